// SPDX-License-Identifier: Apache-2.0
// The local processor by itself: fleet files, health, reflection.
#include <grpc/health/v1/health.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "support/processor.h"

namespace agones::test {
namespace {

// Sends one message on a bidirectional call and returns the first answer.
std::string ask(const std::string& address, const std::string& method, const std::string& message) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  std::string answer;
  grpc::ByteBuffer incoming;
  const grpc::Slice slice(message);
  bool good = next();
  if (good) {
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    good = next();
  }
  if (good) {
    call->Read(&incoming, nullptr);
    good = next();
  }
  if (good) {
    grpc::Slice whole;
    incoming.DumpToSingleSlice(&whole);
    answer.assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  queue.Shutdown();
  return answer;
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

TEST(FleetFile, TheExampleIsRead) {
  const auto servers = local::read_fleet_file(AGONES_FLEET_EXAMPLE);
  ASSERT_EQ(servers.size(), 501U);
  EXPECT_EQ(servers[0].name, "arena-1");
  EXPECT_EQ(servers[0].labels.at("agones.dev/fleet"), "arena");
  EXPECT_EQ(servers[0].ports.size(), 2U);
  EXPECT_EQ(servers[500].name, "tutorial-1");
  EXPECT_EQ(servers[500].state, local::GameServerState::kAllocated);
}

TEST(FleetFile, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "parse error"},
      {"[]", "expected an object"},
      {"{}", "gameServers: empty"},
      {R"({"servers":[]})", "servers: unknown member"},
      {R"({"gameServers":[{}]})", "gameServers[0].name: missing"},
      {R"({"gameServers":[{"name":"a"},{"name":"a"}]})", "two game servers are called default/a"},
      {R"({"gameServers":[{"name":"a","ports":{"p":70000}}]})", "gameServers[0].ports.p: not a port"},
      {R"({"gameServers":[{"name":"a","labels":{"x":1}}]})", "gameServers[0].labels: wrong type"},
      {R"({"gameServers":[{"name":"a","state":"Busy"}]})", "gameServers[0].state: neither"},
  };
  const std::string path = testing::TempDir() + "fleet-mistake.json";
  for (const auto& [text, problem] : cases) {
    std::ofstream(path) << text;
    try {
      local::read_fleet_file(path);
      ADD_FAILURE() << text;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(problem), std::string::npos) << error.what();
    }
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace agones::test
