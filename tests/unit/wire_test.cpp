// SPDX-License-Identifier: Apache-2.0
// What the plugin writes, Protobuf reads; what Protobuf writes, the plugin reads.
#include <allocation/processor.pb.h>
#include <grpc/health/v1/health.pb.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/requests.h"
#include "wire/health.h"
#include "wire/message.h"
#include "wire/reader.h"
#include "wire/response.h"

namespace agones::plugin {
namespace {

TEST(Wire, RegistrationHasTheIdAlone) {
  allocation::ProcessorMessage message;
  ASSERT_TRUE(message.ParseFromString(encode_registration("me.1")));
  EXPECT_EQ(message.client_id(), "me.1");
  EXPECT_EQ(message.payload_case(), allocation::ProcessorMessage::PAYLOAD_NOT_SET);
}

TEST(Wire, TheHealthServiceIsAskedAndUnderstood) {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("processor");
  EXPECT_EQ(encode_health_request("processor"), request.SerializeAsString());
  grpc::health::v1::HealthCheckResponse response;
  using Response = grpc::health::v1::HealthCheckResponse;
  for (const auto status : {Response::UNKNOWN, Response::SERVING, Response::NOT_SERVING, Response::SERVICE_UNKNOWN}) {
    response.set_status(status);
    EXPECT_EQ(decode_serving(response.SerializeAsString()), status == Response::SERVING);
  }
}

TEST(Wire, AHealthStatusOfAnotherKindIsReadAsProtobufDoes) {
  using namespace std::string_literals;
  // No status; a later one counts; unknown fields; a number of more than 32 bits; a status that is a text.
  for (const std::string& bytes : {""s, "\x08\x01\x08\x02"s, "\x08\x02\x08\x01"s, "\x08\x01\x12\x02hi\x18\x07"s,
                                   "\x08\x81\x80\x80\x80\x10"s, "\x0a\x01\x01"s}) {
    grpc::health::v1::HealthCheckResponse response;
    ASSERT_TRUE(response.ParseFromString(bytes));
    EXPECT_EQ(decode_serving(bytes), response.status() == grpc::health::v1::HealthCheckResponse::SERVING);
  }
  for (const std::string& bytes : {"\x08"s, "\x08\x80"s, "\x00\x01"s, "\x12\x05hi"s, "\xff"s}) {
    EXPECT_FALSE(grpc::health::v1::HealthCheckResponse().ParseFromString(bytes));
    EXPECT_EQ(decode_serving(bytes), std::nullopt);
  }
}

TEST(Wire, IdsComeBackAndNothingElsePassesForOne) {
  for (const std::uint64_t id : {1ULL, 9ULL, 10ULL, 255ULL, 1ULL << 40, ~0ULL}) {
    EXPECT_EQ(decode_id(encode_id(id)), id);
  }
  for (const char* text : {"", "0", "01", "-1", "+1", "A", "1 ", " 1", "0x1", "10000000000000000", "1\xff"}) {
    EXPECT_EQ(decode_id(text), 0U) << text;
  }
}

TEST(Wire, SizesAreExact) {
  const std::string request = test::full_request().SerializeAsString();
  for (const std::uint64_t id : {1ULL, 0x12345ULL, ~0ULL}) {
    const std::size_t size = BatchEncoder::wrapped_size(id, request.size());
    EXPECT_LE(size, request.size() + BatchEncoder::kRequestOverhead);
    BatchEncoder encoder("client", ~0ULL, size);
    encoder.add(id, request);
    const std::string bytes = encoder.take();
    EXPECT_LE(bytes.size(), size + 6 + BatchEncoder::kMessageOverhead);
    allocation::ProcessorMessage message;
    ASSERT_TRUE(message.ParseFromString(bytes));
    EXPECT_EQ(message.ByteSizeLong(), bytes.size());
    EXPECT_EQ(message.batch_request().requests(0).request_id(), encode_id(id));
    EXPECT_EQ(message.batch_request().requests(0).request().namespace_(), "default");
  }
}

TEST(Wire, UnknownFieldsAreSkipped) {
  allocation::ProcessorMessage message;
  message.mutable_pull()->set_message("pull");
  IncomingMessage incoming;
  // Fields 100 (fixed32) and 101 (fixed64).
  ASSERT_EQ(decode_message(message.SerializeAsString() + std::string("\xa5\x06"
                                                                     "1234"
                                                                     "\xa9\x06"
                                                                     "12345678"),
                           10, incoming),
            nullptr);
  EXPECT_EQ(incoming.kind, IncomingMessage::Kind::kPull);
}

TEST(Wire, AResponseBecomesAFlatView) {
  const std::string bytes = test::full_response().SerializeAsString();
  proc_event event{};
  ResponseParts parts;
  read_response(bytes, event, parts);
  const auto text = [](const proc_text& view) { return std::string(view.data, view.size); };
  EXPECT_EQ(text(event.game_server_name), "gs-1");
  EXPECT_EQ(text(event.address), "192.0.2.1");
  EXPECT_EQ(text(event.node_name), "node-1");
  EXPECT_EQ(text(event.source), "local");
  ASSERT_EQ(event.port_count, 2U);
  EXPECT_EQ(text(event.ports[1].name), "port-7001");
  EXPECT_EQ(event.ports[1].port, 7001);
  ASSERT_EQ(event.address_count, 1U);
  EXPECT_EQ(text(event.addresses[0].type), "InternalIP");
  EXPECT_EQ(event.response.size, bytes.size());
}

TEST(Wire, AVarintOfMoreThan64BitsIsMalformed) {
  // Field 5 (scheduling). C++ Protobuf drops the bits; Go's refuses the whole message with all that is in it.
  for (const char last : {'\x01', '\x02', '\x7f'}) {
    const std::string bytes = std::string("\x28") + std::string(9, '\xff') + last;
    Reader reader(bytes);
    Field field;
    EXPECT_EQ(reader.next(field), last == '\x01');
    EXPECT_EQ(reader.ok(), last == '\x01');
  }
}

TEST(Wire, TextThatIsNotUtf8IsReplacedInTheFlatView) {
  const std::string bytes = "\x12\x03g\xffs\x1a\x04\x0a\x02\xc3\x28";
  ASSERT_EQ(check_response(bytes), nullptr);
  proc_event event{};
  ResponseParts parts;
  read_response(bytes, event, parts);
  EXPECT_EQ(std::string_view(event.game_server_name.data, event.game_server_name.size), "g\xef\xbf\xbds");
  ASSERT_EQ(event.port_count, 1U);
  EXPECT_EQ(std::string_view(event.ports[0].name.data, event.ports[0].name.size), "\xef\xbf\xbd(");
}

TEST(Wire, AnAnswerHasTheLimitsOfAGameServer) {
  allocation::AllocationResponse response;
  response.set_nodename(std::string(65'537, 'n'));
  EXPECT_NE(check_response(response.SerializeAsString()), nullptr);
  response.set_nodename("n");
  EXPECT_EQ(check_response(response.SerializeAsString()), nullptr);
  // Many small fields inside one port.
  std::string port;
  for (int i = 0; i < 20'000; ++i) {
    port += "\x10\x01";
  }
  response.add_ports()->ParseFromString("");
  std::string bytes = response.SerializeAsString();
  bytes += std::string("\x1a\xc0\xb8\x02", 4) + port;
  EXPECT_NE(check_response(bytes), nullptr);
}

// Whatever they lie in.
TEST(Wire, AnAnswersFieldsAreCountedInMetadataCountersAndListsToo) {
  const auto problem = [](const std::function<void(allocation::AllocationResponse&, const std::string&)>& add,
                          int count) {
    allocation::AllocationResponse response;
    for (int i = 0; i < count; ++i) {
      add(response, std::to_string(i));
    }
    const char* said = check_response(response.SerializeAsString());
    return std::string(said != nullptr ? said : "");
  };
  const auto label = [](auto& response, const std::string& key) {
    (*response.mutable_metadata()->mutable_labels())[key];
  };
  const auto annotation = [](auto& response, const std::string& key) {
    (*response.mutable_metadata()->mutable_annotations())[key];
  };
  const auto counter = [](auto& response, const std::string& key) {
    auto& status = (*response.mutable_counters())[key];
    status.mutable_count()->set_value(1);
    status.mutable_capacity()->set_value(2);
  };
  const auto list = [](auto& response, const std::string& key) {
    auto& status = (*response.mutable_lists())[key];
    status.add_values("a");
    status.add_values("b");
    status.mutable_capacity()->set_value(2);
  };
  const auto value = [](auto& response, const std::string& key) { (*response.mutable_lists())["l"].add_values(key); };
  const std::string many = "an answer whose metadata, counters and lists have more than 65536 fields";
  EXPECT_EQ(problem(label, 30'000), many);
  EXPECT_EQ(problem(annotation, 30'000), many);
  EXPECT_EQ(problem(counter, 16'000), many);
  EXPECT_EQ(problem(list, 16'000), many);
  EXPECT_EQ(problem(value, 70'000), many);
  // More than any game server has.
  EXPECT_EQ(problem(label, 10'000), "");
  EXPECT_EQ(problem(counter, 5'000), "");
  EXPECT_EQ(problem(value, 60'000), "");
  // What is none of the contract's, and what is in none of its messages.
  std::string bytes;
  for (int i = 0; i < 70'000; ++i) {
    bytes += "\x3a\x02\x0a";
    bytes += '\0';
  }
  EXPECT_NE(check_response(bytes), nullptr);
}

}  // namespace
}  // namespace agones::plugin
