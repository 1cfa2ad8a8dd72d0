// SPDX-License-Identifier: Apache-2.0
// What the plugin writes, Protobuf reads; what Protobuf writes, the plugin reads.
#include <allocation/processor.pb.h>
#include <gtest/gtest.h>

#include "support/requests.h"
#include "wire/message.h"
#include "wire/response.h"

namespace agones::plugin {
namespace {

TEST(Wire, RegistrationHasTheIdAlone) {
  allocation::ProcessorMessage message;
  ASSERT_TRUE(message.ParseFromString(encode_registration("me.1")));
  EXPECT_EQ(message.client_id(), "me.1");
  EXPECT_EQ(message.payload_case(), allocation::ProcessorMessage::PAYLOAD_NOT_SET);
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
  ASSERT_TRUE(decode_message(message.SerializeAsString() + std::string("\xa5\x06"
                                                                       "1234"
                                                                       "\xa9\x06"
                                                                       "12345678"),
                             incoming));
  EXPECT_EQ(incoming.kind, IncomingMessage::Kind::kPull);
}

TEST(Wire, AResponseBecomesAFlatView) {
  const std::string bytes = test::full_response().SerializeAsString();
  proc_event event{};
  std::vector<proc_port> ports;
  std::vector<proc_address> addresses;
  read_response(bytes, event, ports, addresses);
  const auto text = [](const proc_text& view) { return std::string(view.data, view.size); };
  EXPECT_EQ(text(event.game_server_name), "gs-1");
  EXPECT_EQ(text(event.address), "192.0.2.1");
  EXPECT_EQ(text(event.node_name), "node-1");
  EXPECT_EQ(text(event.source), "local");
  ASSERT_EQ(event.port_count, 2U);
  EXPECT_EQ(text(ports[1].name), "port-7001");
  EXPECT_EQ(ports[1].port, 7001);
  ASSERT_EQ(event.address_count, 1U);
  EXPECT_EQ(text(addresses[0].type), "InternalIP");
  EXPECT_EQ(event.response.size, bytes.size());
}

}  // namespace
}  // namespace agones::plugin
