// SPDX-License-Identifier: Apache-2.0
// Several replicas: the stream goes to the one that serves, and follows it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

local::LocalProcessorOptions standby_options() {
  auto options = quick_options();
  options.serving = false;
  return options;
}

TEST(Leader, IsFoundWhateverTheOrder) {
  auto fleet = fleet_of(100);
  LocalProcessor leader(quick_options(), fleet);
  LocalProcessor first(standby_options(), fleet);
  LocalProcessor second(standby_options(), fleet);
  const std::string dead = "127.0.0.1:1";
  std::vector<std::string> addresses{leader.address(), first.address(), second.address(), dead};
  std::sort(addresses.begin(), addresses.end());
  do {
    Client client(addresses[0] + "," + addresses[1] + "," + addresses[2] + "," + addresses[3]);
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  } while (std::next_permutation(addresses.begin(), addresses.end()));
  EXPECT_EQ(first.counts().streams + second.counts().streams, 0U);
}

TEST(Leader, StandbysAreTold) {
  LocalProcessor standby(standby_options(), fleet_of(1));
  Client client(standby.address());
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_STANDBY; }));
  std::string reason;
  client.connection(&reason);
  EXPECT_EQ(reason, "no processor is serving: 1 standby");
  standby.set_serving(true);
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  ASSERT_TRUE(client.poll_until([&] { return !client.connections.empty(); }));
  EXPECT_EQ(client.connections.front().connection, PROC_CONNECTION_CONNECTING);
}

TEST(Leader, WhoCannotBeReachedIsNamed) {
  Client client("127.0.0.1:1");
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  std::string reason;
  client.connection(&reason);
  EXPECT_NE(reason.find("127.0.0.1:1"), std::string::npos) << reason;
  EXPECT_NE(reason.find("Connection refused"), std::string::npos) << reason;
}

TEST(Leader, ANameThatDoesNotResolveIsNamed) {
  Client client("no-such-host.invalid:9090");
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  std::string reason;
  client.connection(&reason);
  EXPECT_NE(reason.find("cannot resolve 'no-such-host.invalid'"), std::string::npos) << reason;
}

TEST(Leader, ANameOfSeveralAddressesWorks) {
  LocalProcessor leader(quick_options(), fleet_of(1));
  const std::string port = leader.address().substr(leader.address().rfind(':'));
  // On most machines ::1 and 127.0.0.1, of which only one listens.
  Client client("localhost" + port);
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
}

// Leadership moves among three replicas, in the ways it can: the old leader steps down, or dies, or goes
// on answering health checks but stops pulling.
TEST(Leader, MovesAreFollowed) {
  auto fleet = fleet_of(100'000);
  std::vector<std::unique_ptr<LocalProcessor>> replicas;
  std::string addresses;
  for (int i = 0; i < 3; ++i) {
    replicas.push_back(std::make_unique<LocalProcessor>(standby_options(), fleet));
    addresses += (i == 0 ? "" : ",") + replicas.back()->address();
  }
  Client client(addresses);
  std::size_t leader = 0;
  replicas[leader]->set_serving(true);
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  Clock::duration longest{};
  for (int move = 1; move <= 20; ++move) {
    const std::size_t old = leader;
    leader = (leader + 1) % replicas.size();
    switch (move % 3) {
      case 0: {
        auto options = standby_options();
        options.address = replicas[old]->address();
        replicas[old].reset();
        replicas[old] = std::make_unique<LocalProcessor>(options, fleet);
        break;
      }
      case 1:
        replicas[old]->set_serving(false);
        break;
      default: {
        local::Faults faults;
        faults.stop_pulling = true;
        replicas[old]->set_faults(faults);
      }
    }
    replicas[leader]->set_faults({});
    replicas[leader]->set_serving(true);
    const auto start = Clock::now();
    const std::size_t before = client.outcomes()[PROC_OUTCOME_ALLOCATED];
    // A request that goes to the old leader may be lost with it; the next ones may not.
    while (client.outcomes()[PROC_OUTCOME_ALLOCATED] == before || replicas[leader]->counts().clients == 0) {
      client.allocate();
      client.poll_for(milliseconds(20));
      ASSERT_LT(Clock::now() - start, kPatience) << "move " << move;
    }
    longest = std::max(longest, Clock::now() - start);
    if (move % 3 == 2) {
      replicas[old]->set_serving(false);
    }
  }
  const auto gap = std::chrono::duration_cast<milliseconds>(longest).count();
  RecordProperty("longest_gap_ms", static_cast<int>(gap));
  std::cout << "longest gap of 20 moves: " << gap << " ms\n";
  // 2 s is what is promised on a quiet machine.
  EXPECT_LT(longest, seconds(10));
}

}  // namespace
}  // namespace agones::test
