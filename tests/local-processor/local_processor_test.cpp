// SPDX-License-Identifier: Apache-2.0
// The local processor by itself: health, reflection, its address.
#include <grpc/health/v1/health.pb.h>
#include <gtest/gtest.h>

#include "support/byte_call.h"
#include "support/processor.h"

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

}  // namespace
}  // namespace agones::test
