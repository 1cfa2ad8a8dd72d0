// SPDX-License-Identifier: Apache-2.0
// Which replicas there are, which one is taken, and what the host is told of them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "stream/connection_status.h"
#include "stream/replica_set.h"

namespace agones::plugin {
namespace {

using State = ReplicaStatus::State;

struct FakeReplica {
  explicit FakeReplica(Address address) : known(std::move(address)) {}
  const ReplicaStatus& status() const { return known; }
  ReplicaStatus known;
};

Address at(const std::string& target) {
  return {target, "host", target + ":9090"};
}

Resolution found(const std::vector<std::string>& targets) {
  Resolution resolution;
  for (const std::string& target : targets) {
    resolution.addresses.push_back(at(target));
  }
  return resolution;
}

class Replicas : public testing::Test {
 protected:
  void update(Resolution resolution, const std::string& in_use = {}) {
    set.update(
        std::move(resolution), [&](const std::string& target) { return target == in_use; },
        [](Address address) { return std::make_unique<FakeReplica>(std::move(address)); });
  }
  ReplicaStatus& replica(const std::string& target) { return set.find(target)->known; }
  void set_state(const std::string& target, State state, const std::string& reason = {}) {
    replica(target).state = state;
    replica(target).reason = reason;
  }
  std::vector<std::string> targets() const {
    std::vector<std::string> all;
    for (const auto& replica : set.all()) {
      all.push_back(replica->status().address.target);
    }
    return all;
  }
  ConnectionStatus connection() const { return connection_status(set.all(), streams, now); }

  const TimePoint now = TimePoint() + milliseconds(1'000'000);
  ReplicaSet<FakeReplica> set;
  StreamsStatus streams;
};

TEST_F(Replicas, FollowTheirNames) {
  update(found({"a", "b"}));
  const FakeReplica* const b = set.find("b");
  update(found({"b", "c"}));
  EXPECT_EQ(targets(), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(set.find("b"), b) << "its connection stays";
  EXPECT_EQ(set.find("a"), nullptr);
}

TEST_F(Replicas, StayWhileTheyAreInUseOrTheirNameIsNotResolved) {
  update(found({"a", "b", "c"}));
  Resolution resolution;
  resolution.unresolved = {"b:9090"};
  update(resolution, "c");
  EXPECT_EQ(targets(), (std::vector<std::string>{"b", "c"}));
}

TEST_F(Replicas, OfThoseThatServeTheOneIsTakenWhoseStreamsFailedLongestAgo) {
  update(found({"a", "b", "c"}));
  EXPECT_EQ(set.choose(), nullptr) << "none serves";
  set_state("b", State::kServing);
  set_state("c", State::kServing);
  EXPECT_EQ(set.choose(), set.find("b"));
  EXPECT_TRUE(set.another_serves("b"));
  replica("b").last_stream_failure = now;
  EXPECT_EQ(set.choose(), set.find("c"));
  set_state("c", State::kStandby);
  EXPECT_EQ(set.choose(), set.find("b"));
  EXPECT_FALSE(set.another_serves("b"));
}

TEST_F(Replicas, AStreamThatIsPulledIsServed) {
  update(found({"a"}));
  streams.open_target = "a";
  streams.pulled_target = "b";
  EXPECT_EQ(connection().state, PROC_CONNECTION_SERVING);
  EXPECT_EQ(connection().address, "b");
  EXPECT_EQ(connection().reason, "");
}

TEST_F(Replicas, AnOpenStreamOrOneToComeIsConnecting) {
  update(found({"a"}));
  EXPECT_EQ(connection().state, PROC_CONNECTION_BACKING_OFF) << "nothing was tried";
  set_state("a", State::kConnecting);
  EXPECT_EQ(connection().state, PROC_CONNECTION_CONNECTING);
  EXPECT_EQ(connection().reason, "");
  set_state("a", State::kServing);
  EXPECT_EQ(connection().reason, "waiting for the first pull");
  streams.last_target = "z";
  streams.problem = "z: not pulled in time";
  EXPECT_EQ(connection().state, PROC_CONNECTION_CONNECTING);
  EXPECT_EQ(connection().reason, "z: not pulled in time");
  EXPECT_EQ(connection().address, "z");
  streams.open_target = "a";
  EXPECT_EQ(connection().address, "a");
}

TEST_F(Replicas, StandbysAreCounted) {
  update(found({"a", "b", "c"}));
  set_state("a", State::kStandby);
  set_state("b", State::kConnecting);
  set_state("c", State::kConnecting);
  EXPECT_EQ(connection().state, PROC_CONNECTION_STANDBY);
  EXPECT_EQ(connection().reason, "no processor is serving: 1 standby");
  set_state("b", State::kStandby);
  set_state("c", State::kBackingOff, "c: refused");
  EXPECT_EQ(connection().reason, "no processor is serving: 2 standbys, and 1 that can't be reached");
}

TEST_F(Replicas, AllThatFailAreToldInTheirOrder) {
  update(found({"a", "b", "c", "d", "e"}));
  for (const char* target : {"a", "b", "c", "d", "e"}) {
    set_state(target, State::kBackingOff, std::string(target) + ": refused");
    replica(target).retry_at = now + milliseconds(500);
  }
  replica("d").retry_at = now + std::chrono::microseconds(70'100);
  set_state("b", State::kConnecting, "b: refused");
  replica("b").retry_at = now + milliseconds(1);
  ConnectionStatus told = connection();
  EXPECT_EQ(told.state, PROC_CONNECTION_BACKING_OFF);
  EXPECT_EQ(told.reason, "a: refused; b: refused; c: refused; and 2 more");
  EXPECT_EQ(told.address, "d") << "who tries next";
  EXPECT_EQ(told.retry_after_ms, 71U);
  replica("d").retry_at = now - milliseconds(1);
  EXPECT_EQ(connection().retry_after_ms, 0U);
  set_state("e", State::kConnecting);
  EXPECT_EQ(connection().state, PROC_CONNECTION_CONNECTING) << "it has not failed yet";
}

TEST_F(Replicas, WithoutAnyTheNamesAreToBlame) {
  streams.problem = "the last one is gone";
  EXPECT_EQ(connection().state, PROC_CONNECTION_CONNECTING);
  EXPECT_EQ(connection().reason, "the last one is gone");
  streams.resolution_problem = "cannot resolve 'nowhere'";
  streams.next_resolution = now + milliseconds(30);
  EXPECT_EQ(connection().state, PROC_CONNECTION_BACKING_OFF);
  EXPECT_EQ(connection().reason, "cannot resolve 'nowhere'");
  EXPECT_EQ(connection().address, "");
  EXPECT_EQ(connection().retry_after_ms, 30U);
}

}  // namespace
}  // namespace agones::plugin
