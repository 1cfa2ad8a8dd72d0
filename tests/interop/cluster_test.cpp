// SPDX-License-Identifier: Apache-2.0
// The plugin against any live processor: AGONES_PROCESSOR=ADDRESS names one (in plaintext; as the plugin takes it), for instance of a
// cluster, with game servers ready in AGONES_PROCESSOR_NAMESPACE (default: default). Nothing gives them back. Without it, the local
// processor with a cluster's timing takes its place, so that these tests are always run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>

#include "support/plugin.h"
#include "support/process.h"

namespace agones::test {
namespace {

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

class Cluster : public testing::Test {
 protected:
  Cluster() {
    if (address_.empty()) {
      stand_in_ = std::make_unique<ProcessorProgram>(std::vector<std::string>{"--servers", "50", "--like-agones"});
      address_ = stand_in_->address();
    }
  }

  std::string request(const std::string& rest = "") const { return R"({"namespace":")" + space_ + "\"" + rest + "}"; }
  // Success, or a refusal: never unknown, never lost.
  static void expect_definite(const Client& client) {
    for (const Event& result : client.results) {
      EXPECT_EQ(result.delivery, PROC_DELIVERY_DONE) << result.message;
    }
  }

  std::string address_ = from_environment("AGONES_PROCESSOR", "");
  const std::string space_ = from_environment("AGONES_PROCESSOR_NAMESPACE", "default");

 private:
  std::unique_ptr<ProcessorProgram> stand_in_;
};

TEST_F(Cluster, GivesOutAGameServer) {
  Client client(address_);
  ASSERT_NE(client.allocate(request(R"(,"metadata":{"annotations":{"agones-processor-test":"1"}})")), 0U);
  ASSERT_TRUE(client.poll_until_results(1));
  const Event& result = client.results[0];
  ASSERT_EQ(result.outcome, PROC_OUTCOME_ALLOCATED) << result.message;
  EXPECT_NE(result.game_server, "");
  EXPECT_NE(result.source, "");
  char json[16384] = "";
  ASSERT_EQ(client.api().response_to_json(result.response.data(), result.response.size(), json, sizeof json, nullptr,
                                          nullptr, 0),
            PROC_OK);
  EXPECT_NE(std::string(json).find(R"("agones-processor-test":"1")"), std::string::npos) << json;
  EXPECT_NE(std::string(json).find(R"("agones.dev/last-allocated":")"), std::string::npos) << json;
}

TEST_F(Cluster, RefusesWhatCannotBe) {
  Client client(address_);
  ASSERT_NE(client.allocate(R"({"namespace":"agones-processor-test-has-no-game-servers"})", 0, 1), 0U);
  ASSERT_NE(client.allocate(request(R"(,"counters":{"rooms":{"amount":"1"}})"), 0, 2), 0U);
  ASSERT_TRUE(client.poll_until_results(2));
  for (const Event& result : client.results) {
    EXPECT_EQ(result.outcome, PROC_OUTCOME_REJECTED);
    if (result.token == 2) {
      EXPECT_EQ(result.code, 3);
      EXPECT_NE(result.message.find("spec.counters[rooms]"), std::string::npos) << result.message;
    }
  }
}

TEST_F(Cluster, ABurstEndsWholeAndNoGameServerComesTwice) {
  Client client(address_);
  ASSERT_TRUE(client.allocate_from_threads(4, 50));
  expect_definite(client);
  const auto names = client.allocated_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(client.orphans.size(), 0U);
}

TEST_F(Cluster, PullsGoOn) {
  Client client(address_);
  EXPECT_TRUE(client.poll_until([&] { return client.stats().pulls >= 5; }));
  EXPECT_EQ(client.stats().streams, 1U);
}

}  // namespace
}  // namespace agones::test
