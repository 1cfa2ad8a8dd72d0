// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/explain.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agones::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

allocation::AllocationRequest request_of(const std::string& json) {
  allocation::AllocationRequest request;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &request).ok()) << json;
  return request;
}

// Twelve of fleet blue, all allocated and their rooms full; three of fleet red, ready, without rooms.
class Explain : public testing::Test {
 protected:
  Explain() {
    for (int i = 0; i < 15; ++i) {
      GameServer server;
      server.name = "s-" + std::to_string(i);
      const bool blue = i < 12;
      server.labels = {{kFleetLabel, blue ? "blue" : "red"}};
      server.state = blue ? GameServerState::kAllocated : GameServerState::kReady;
      if (blue) {
        server.counters["rooms"] = {10, 10};
      }
      servers_.push_back(server);
    }
  }
  Explanation of(const std::string& json) const {
    std::vector<const GameServer*> all;
    for (const GameServer& server : servers_) {
      all.push_back(&server);
    }
    return explain(request_of(json), all);
  }
  std::string short_of(const std::string& json) const { return short_text_of(of(json)); }

  std::vector<GameServer> servers_;
};

TEST_F(Explain, TheFirstConditionThatNonePassesIsNamedWithWhatThereIsInstead) {
  const std::string blue =
      R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"agones.dev/fleet":"blue"}}]})";
  EXPECT_EQ(short_of(blue),
            "gameServerSelectors[0]: 12 pass agones.dev/fleet=blue, none of them state READY (12 ALLOCATED)");
  EXPECT_EQ(
      text_of(of(blue)),
      "gameServerSelectors[0]\n  15 pass namespace default\n  12 pass agones.dev/fleet=blue\n  0 pass state READY\n"
      "  instead: 12 ALLOCATED\nnone is left\n");
  EXPECT_EQ(short_of(R"({"namespace":"default","gameServerSelectors":[{"gameServerState":"ALLOCATED",
                     "counters":{"rooms":{"minAvailable":1}}}]})"),
            "gameServerSelectors[0]: 12 pass state ALLOCATED, none of them counter rooms available at least 1 (12 "
            "rooms 10/10)");
  EXPECT_EQ(short_of(R"({"namespace":"nowhere"})"),
            "any READY game server: none passes namespace nowhere (15 namespace default)");
}

TEST_F(Explain, WhatIsFoundIsCounted) {
  const Explanation found = of(R"({"namespace":"default","preferredGameServerSelectors":[
      {"matchLabels":{"agones.dev/fleet":"blue"}}],"requiredGameServerSelector":{"matchLabels":{"agones.dev/fleet":"red"}}})");
  EXPECT_EQ(found.matches(), 3U);
  ASSERT_EQ(found.selectors.size(), 2U);
  EXPECT_EQ(found.selectors[0].where, "preferredGameServerSelectors[0]");
  EXPECT_EQ(found.selectors[1].where, "requiredGameServerSelector");
  EXPECT_THAT(found.warnings, ElementsAre());
}

TEST_F(Explain, WhatNoGameServerHasIsAWarning) {
  EXPECT_THAT(
      of(R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"agones.dev/fleet":"bleu"}}]})").warnings,
      ElementsAre("gameServerSelectors[0]: no game server has agones.dev/fleet=bleu; there are 12 "
                  "agones.dev/fleet=blue, 3 agones.dev/fleet=red"));
  EXPECT_THAT(
      of(R"({"namespace":"default","gameServerSelectors":[{"matchExpressions":[{"key":"map","operator":"Exists"}],
                 "counters":{"seats":{}},"lists":{"players":{}}}]})")
          .warnings,
      ElementsAre("gameServerSelectors[0]: no game server has the label map",
                  "gameServerSelectors[0]: no game server has the counter seats",
                  "gameServerSelectors[0]: no game server has the list players"));
}

TEST_F(Explain, ActionsThatAgonesPassesOverAreWarnings) {
  EXPECT_THAT(
      of(R"({"namespace":"default","counters":{"rooms":{"action":"increment","amount":1}}})").warnings,
      ElementsAre("counters[rooms]: the action 'increment' is passed over: it is neither Increment nor Decrement"));
  EXPECT_THAT(of(R"({"namespace":"default","counters":{"seats":{"action":"Increment","amount":1}}})").warnings,
              ElementsAre("counters[seats]: the action is passed over: no game server has the counter seats"));
  EXPECT_THAT(of(R"({"namespace":"default","lists":{"players":{"capacity":1001}}})").warnings,
              ElementsAre("lists[players]: the action is passed over: no game server has the list players",
                          "lists[players]: the capacity is passed over: it is above 1000"));
  EXPECT_THAT(of(R"({"namespace":"default","gameServerSelectors":[{}],"requiredGameServerSelector":{}})").warnings,
              ElementsAre(HasSubstr("are passed over beside gameServerSelectors")));
}

TEST_F(Explain, ARequestThatAgonesRefusesIsSaidToBe) {
  const Explanation refused = of(R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"":"x"}}]})");
  EXPECT_THAT(text_of(refused), HasSubstr("Agones refuses it: "));
  EXPECT_EQ(refused.matches(), 0U);
}

}  // namespace
}  // namespace agones::local
