// SPDX-License-Identifier: Apache-2.0
// The local processor by itself: health, reflection, its address.
#include <allocation/processor.pb.h>
#include <grpc/health/v1/health.pb.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "support/byte_call.h"
#include "support/processor.h"
#include "support/wait.h"

namespace agones::test {
namespace {

// Sends one message and returns the first answer.
std::string ask(const std::string& address, const std::string& method, const std::string& message) {
  ByteCall call(address, method);
  call.write(message);
  return call.read().value_or("");
}

TEST(LocalProcessor, SaysWhetherItServes) {
  local::LocalProcessor processor(quick_options(), fleet_of(1));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("processor");
  const auto status = [&] {
    grpc::health::v1::HealthCheckResponse response;
    response.ParseFromString(ask(processor.address(), "/grpc.health.v1.Health/Watch", request.SerializeAsString()));
    return response.status();
  };
  EXPECT_EQ(status(), grpc::health::v1::HealthCheckResponse::SERVING);
  processor.set_serving(false);
  EXPECT_EQ(status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

TEST(LocalProcessor, ReflectsItsService) {
  local::LocalProcessor processor(quick_options(), fleet_of(1));
  // ServerReflectionRequest { list_services: "" }
  const std::string answer = ask(processor.address(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                 std::string("\x3a\x00", 2));
  EXPECT_NE(answer.find("allocation.Processor"), std::string::npos);
}

TEST(LocalProcessor, ListensOnLoopbackUnlessTold) {
  local::LocalProcessor processor({}, fleet_of(1));
  EXPECT_EQ(processor.address().rfind("127.0.0.1:", 0), 0U);
  local::LocalProcessorOptions taken;
  taken.address = processor.address();
  EXPECT_THROW(local::LocalProcessor(taken, fleet_of(1)), std::runtime_error);
}

TEST(LocalProcessor, ListensOnItsOwnPortUnlessTold) {
  local::LocalProcessorOptions options;
  options.address = "127.0.0.1";
  std::string told;
  try {
    told = local::LocalProcessor(options, fleet_of(1)).address();
  } catch (const std::runtime_error& error) {
    told = error.what();  // somebody else has the port
  }
  EXPECT_NE(told.find("127.0.0.1:9090"), std::string::npos) << told;
}

TEST(LocalProcessor, SaysWhyItCannotListen) {
  const auto problem = [](const std::string& address, const std::string& pem = {}) {
    local::LocalProcessorOptions options;
    options.address = address;
    options.certificate_pem = options.key_pem = pem;
    try {
      const local::LocalProcessor processor(options, fleet_of(1));
      return std::string();
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
  };
  const local::LocalProcessor other({}, fleet_of(1));
  EXPECT_EQ(problem(other.address()), "cannot listen on " + other.address() + ": Address already in use");
  EXPECT_EQ(problem("192.0.2.1:0"), "cannot listen on 192.0.2.1:0: Cannot assign requested address");
  EXPECT_NE(problem("ipv4:127.0.0.1:0").find("is not HOST:PORT or HOST"), std::string::npos);
  EXPECT_NE(problem("127.0.0.1:0", "no certificate").find("certificate, key"), std::string::npos);
}

constexpr char kStreamBatches[] = "/allocation.Processor/StreamBatches";

std::string batch_of(int requests) {
  allocation::ProcessorMessage message;
  message.set_client_id("client");
  message.mutable_batch_request()->set_batch_id("batch");
  for (int i = 0; i < requests; ++i) {
    auto* const wrapper = message.mutable_batch_request()->add_requests();
    wrapper->set_request_id(std::to_string(i));
    wrapper->mutable_request()->set_namespace_("default");
  }
  return message.SerializeAsString();
}

TEST(LocalProcessor, EndsWhileAClientDoesNotRead) {
  local::LocalProcessorOptions options = quick_options();
  options.faults.oversize_bytes = 32 << 20;  // more than flow control lets pass
  local::LocalProcessor processor(options, fleet_of(2));
  ByteCall call(processor.address(), kStreamBatches);
  ASSERT_TRUE(
      call.write("\x0a\x06"
                 "client"));
  ASSERT_TRUE(call.write(batch_of(1)));
  // Then it writes the answer, which nobody reads.
  ASSERT_TRUE(wait_until([&] { return processor.counts().batch_times.sum > 0; }));
  std::atomic<bool> killed{false};
  std::thread killer([&] {
    processor.kill();
    killed = true;
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_until([&] { return killed.load(); }));
  // The call gives up by itself after kPatience, which would end it, too.
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience / 2);
  call.cancel();
  killer.join();
}

TEST(LocalProcessor, KeepsNoAllocationsThatItTellsOf) {
  local::LocalProcessorOptions options = quick_options();
  std::vector<std::string> told;
  options.ledger = [&](const local::LedgerEntry& entry) { told.push_back(entry.request_id); };
  local::LocalProcessor processor(options, fleet_of(2));
  ByteCall call(processor.address(), kStreamBatches);
  ASSERT_TRUE(
      call.write("\x0a\x06"
                 "client"));
  ASSERT_TRUE(call.write(batch_of(3)));
  ASSERT_TRUE(wait_until([&] { return processor.counts().batches == 1; }));
  processor.kill();
  EXPECT_EQ(told, (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(processor.ledger().empty());
}

}  // namespace
}  // namespace agones::test
