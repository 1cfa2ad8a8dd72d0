// SPDX-License-Identifier: Apache-2.0
// Lives of game servers, and the queue with a cluster's timing.
#include "local-processor/fleet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "local-processor/allocation_queue.h"
#include "support/wait.h"

namespace agones::local {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

allocation::AllocationRequest any() {
  allocation::AllocationRequest request;
  request.set_namespace_("default");
  return request;
}

std::string allocate(Fleet& fleet, const allocation::AllocationRequest& request = any()) {
  allocation::AllocationResponse response;
  fleet.begin_list();
  const AllocationResult result = fleet.allocate(request, response);
  return result.code == 0 ? response.gameservername() : std::to_string(result.code);
}

std::size_t count(Fleet& fleet, GameServerState state) {
  const auto states = fleet.states();
  const auto found = states.find(state);
  return found == states.end() ? 0 : found->second;
}

TEST(Fleet, AnEndedSessionMakesRoomForAnotherOfItsKind) {
  auto servers = make_servers(1);
  servers[0].counters["players"] = {1, 10};
  Fleet fleet(servers);
  auto request = any();
  (*request.mutable_metadata()->mutable_labels())["session"] = "7";
  auto& action = (*request.mutable_counters())["players"];
  action.mutable_action()->set_value("Increment");
  action.mutable_amount()->set_value(4);
  EXPECT_EQ(allocate(fleet, request), "local-1");
  EXPECT_EQ(allocate(fleet), "8");
  EXPECT_FALSE(fleet.end_session("other", "local-1"));
  EXPECT_TRUE(fleet.end_session("default", "local-1"));
  EXPECT_FALSE(fleet.end_session("default", "local-1")) << "it is gone";

  const FleetChanges now = fleet.changes_since(0);
  ASSERT_EQ(now.cells.size(), 1U);
  const GameServer& fresh = now.cells[0].server;
  EXPECT_NE(fresh.name, "local-1");
  EXPECT_EQ(fresh.name.rfind("local-", 0), 0U);
  EXPECT_EQ(fresh.state, GameServerState::kReady);
  EXPECT_EQ(fresh.labels, servers[0].labels);
  EXPECT_TRUE(fresh.annotations.empty());
  EXPECT_EQ(fresh.counters.at("players").count, 1);
  EXPECT_EQ(fresh.node, "node-1");
  EXPECT_EQ(allocate(fleet), fresh.name);
}

TEST(Fleet, SessionsEndByThemselvesAndANewOneTakesTimeToStart) {
  Life life;
  life.session = 20ms;
  life.start = 20ms;
  Fleet fleet(make_servers(3), {}, life);
  std::set<std::string> names;
  bool was_starting = false;
  ASSERT_TRUE(wait_until([&] {
    const std::string name = allocate(fleet);
    if (name != "8") {
      EXPECT_TRUE(names.insert(name).second) << name << " twice";
    }
    was_starting = was_starting || count(fleet, GameServerState::kStarting) > 0;
    return names.size() >= 10 && was_starting;
  }));
  EXPECT_EQ(fleet.size(), 3U);
}

TEST(Fleet, ReAllocationDoesNotMakeASessionLonger) {
  Life life;
  life.session = 30ms;
  Fleet fleet(make_servers(1), {}, life);
  ASSERT_EQ(allocate(fleet), "local-1");
  auto again = any();
  again.add_gameserverselectors()->set_gameserverstate(allocation::GameServerSelector::ALLOCATED);
  ASSERT_TRUE(wait_until([&] { return allocate(fleet, again) == "8"; }));
}

TEST(Fleet, ChangesComeOnceAndInFull) {
  Fleet fleet(make_servers(100));
  const FleetChanges all = fleet.changes_since(0);
  EXPECT_EQ(all.cells.size(), 100U);
  EXPECT_TRUE(fleet.changes_since(all.version).cells.empty());
  const std::string name = allocate(fleet);
  const FleetChanges one = fleet.changes_since(all.version);
  ASSERT_EQ(one.cells.size(), 1U);
  EXPECT_EQ(one.cells[0].server.name, name);
  EXPECT_EQ(one.cells[0].server.state, GameServerState::kAllocated);
  ASSERT_EQ(one.events.size(), 1U);
  EXPECT_EQ(one.events[0].server, "default/" + name);
}

FleetSpec spec_of(std::uint32_t replicas, const std::string& mode = "a") {
  FleetSpec spec;
  spec.name = "blue";
  spec.replicas = replicas;
  spec.of_servers.server.labels = {{kFleetLabel, "blue"}, {"mode", mode}};
  spec.of_servers.ports = {{"default", PortRule::Policy::kAssigned, 0}};
  return spec;
}

FleetStatus status_of(Fleet& fleet) {
  const auto fleets = fleet.fleets();
  return fleets.empty() ? FleetStatus() : fleets[0];
}

// Whoever asks how fleets stand, and asks nothing else, sees sessions end.
TEST(Fleet, WhatIsDueIsDoneBeforeFleetsAreCounted) {
  Life life;
  life.session = 1ms;
  Fleet fleet(make_servers(3), {}, life);
  allocate(fleet);
  EXPECT_TRUE(wait_until([&] { return count(fleet, GameServerState::kReady) == 3; }));

  Fleet with_fleets({}, {}, life);
  with_fleets.apply(spec_of(2));
  ASSERT_NE(allocate(with_fleets), "8");
  EXPECT_TRUE(wait_until([&] { return with_fleets.fleets().at(0).ready == 2; }));
}

TEST(Fleet, AFleetIsAppliedScaledAndDeleted) {
  Fleet fleet({});
  EXPECT_FALSE(fleet.scale("default", "blue", 1));
  fleet.apply(spec_of(3));
  EXPECT_EQ(fleet.size(), 3U);
  const std::string first = allocate(fleet);
  const FleetChanges before = fleet.changes_since(0);
  EXPECT_TRUE(fleet.scale("default", "blue", 1));
  EXPECT_EQ(status_of(fleet).servers, 1U);
  EXPECT_EQ(status_of(fleet).allocated, 1U) << "the others went first";
  std::size_t gone = 0;
  for (const Cell& cell : fleet.changes_since(before.version).cells) {
    gone += cell.empty ? 1 : 0;
  }
  EXPECT_EQ(gone, 2U);
  // One more than is wanted: it stays until its session ends.
  EXPECT_TRUE(fleet.scale("default", "blue", 0));
  EXPECT_EQ(status_of(fleet).servers, 1U);
  EXPECT_TRUE(fleet.end_session("default", first));
  EXPECT_EQ(status_of(fleet).servers, 0U);
  EXPECT_EQ(fleet.size(), 0U);
  EXPECT_TRUE(fleet.scale("default", "blue", 5));
  EXPECT_EQ(fleet.size(), 5U);
  EXPECT_EQ(fleet.changes_since(0).places, 5U) << "places are used again";
  EXPECT_FALSE(allocate(fleet).empty());
  EXPECT_TRUE(fleet.remove_fleet("default", "blue"));
  EXPECT_EQ(fleet.size(), 0U);
  EXPECT_FALSE(fleet.remove_fleet("default", "blue"));
}

TEST(Fleet, AnotherTemplateReplacesWhatIsNotAllocated) {
  Fleet fleet({});
  fleet.apply(spec_of(3));
  const std::string allocated = allocate(fleet);
  fleet.apply(spec_of(3, "b"));
  std::size_t old = 0;
  for (const Cell& cell : fleet.changes_since(0).cells) {
    if (cell.server.labels.at("mode") == "a") {
      EXPECT_EQ(cell.server.name, allocated);
      ++old;
    }
  }
  EXPECT_EQ(old, 1U);
  EXPECT_EQ(status_of(fleet).servers, 3U);
}

TEST(Fleet, ServersWithALabelAreAFleetThatCanBeScaled) {
  Fleet fleet(make_servers(2));
  EXPECT_EQ(status_of(fleet).replicas, 2U);
  EXPECT_TRUE(fleet.scale("default", "local", 4));
  EXPECT_EQ(status_of(fleet).ready, 4U);
  for (const Cell& cell : fleet.changes_since(0).cells) {
    EXPECT_EQ(cell.server.ports.size(), 1U);
  }
}

TEST(Fleet, ActionsThatCannotBeDoneAreEvents) {
  Fleet fleet(make_servers(1));
  auto request = any();
  auto& action = (*request.mutable_counters())["rooms"];
  action.mutable_capacity()->set_value(3);
  EXPECT_EQ(allocate(fleet, request), "local-1");
  const auto events = fleet.changes_since(0).events;
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].kind, FleetEvent::Kind::kWarning);
  EXPECT_NE(events[1].detail.find("Counter not found in GameServer local-1"), std::string::npos);
}

TEST(Fleet, AnAutoscalerKeepsItsBuffer) {
  FleetSpec spec;
  spec.name = "f";
  spec.replicas = 1;
  spec.of_servers.server.labels = {{kFleetLabel, "f"}};
  spec.autoscaler = Autoscaler{3, false, 0, 5, std::chrono::seconds(0)};
  Fleet fleet({}, {}, {}, 1, {spec});
  EXPECT_EQ(fleet.size(), 3U) << "at once";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(allocate(fleet).rfind("f-", 0), 0U);
  }
  fleet.changes_since(0);
  EXPECT_EQ(fleet.size(), 5U);
  EXPECT_EQ(fleet.fleets().at(0).replicas, 5U);
  const std::string last = allocate(fleet);
  fleet.changes_since(0);
  EXPECT_EQ(fleet.size(), 5U) << "and no more than it may have";
  for (const Cell& cell : fleet.changes_since(0).cells) {
    fleet.end_session("default", cell.server.name);
  }
  fleet.changes_since(0);
  EXPECT_EQ(fleet.size(), 3U) << "and back";
  spec.autoscaler.reset();
  spec.replicas = 1;
  fleet.apply(spec);
  fleet.changes_since(0);
  EXPECT_EQ(fleet.size(), 3U) << "a fleet that is applied anew keeps its autoscaler";
}

struct Batch {
  explicit Batch(std::size_t size) : requests(size, any()), responses(size), results(size) {
    for (std::size_t i = 0; i < size; ++i) {
      errands.push_back({&requests[i], &responses[i], &results[i]});
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  std::size_t allocated() const {
    return static_cast<std::size_t>(
        std::count_if(results.begin(), results.end(), [](const auto& result) { return result.code == 0; }));
  }

  std::vector<allocation::AllocationRequest> requests;
  std::vector<allocation::AllocationResponse> responses;
  std::vector<AllocationResult> results;
  std::vector<Errand> errands;
};

// ---- the batch allocator that is to come ------------------------------------------------------------------

Rules of_batches() {
  Rules rules;
  rules.batches = true;
  return rules;
}

std::vector<GameServer> servers_with_rooms(std::size_t count, std::int64_t rooms) {
  auto servers = make_servers(count);
  for (GameServer& server : servers) {
    server.counters["rooms"] = {0, rooms};
  }
  return servers;
}

// On an allocated server that has one, else on a fresh server.
allocation::AllocationRequest a_room() {
  auto request = any();
  auto* const used = request.add_gameserverselectors();
  used->set_gameserverstate(allocation::GameServerSelector::ALLOCATED);
  (*used->mutable_counters())["rooms"].set_minavailable(1);
  request.add_gameserverselectors();
  auto& action = (*request.mutable_counters())["rooms"];
  action.mutable_action()->set_value("Increment");
  action.mutable_amount()->set_value(1);
  return request;
}

std::vector<std::string> rooms_given(const Batch& batch) {
  std::vector<std::string> given;
  for (std::size_t i = 0; i < batch.results.size(); ++i) {
    given.push_back(batch.results[i].code == 0
                        ? batch.responses[i].gameservername() + " " +
                              std::to_string(batch.responses[i].counters().at("rooms").count().value())
                        : std::to_string(batch.results[i].code));
  }
  return given;
}

TEST(BatchAllocator, RequestsOfABatchShareAGameServer) {
  Fleet fleet(servers_with_rooms(3, 2), of_batches());
  ASSERT_TRUE(fleet.decides_batches());
  Batch batch(7);
  std::fill(batch.requests.begin(), batch.requests.end(), a_room());
  fleet.allocate_batch(batch.errands);
  // Each is told the counter as its own allocation left it.
  EXPECT_EQ(rooms_given(batch), (std::vector<std::string>{"local-1 1", "local-1 2", "local-2 1", "local-2 2",
                                                          "local-3 1", "local-3 2", "8"}));
  EXPECT_EQ(count(fleet, GameServerState::kAllocated), 3U);
  EXPECT_TRUE(fleet.end_session("default", "local-2"));
  Batch more(3);
  std::fill(more.requests.begin(), more.requests.end(), a_room());
  fleet.allocate_batch(more.errands);
  EXPECT_EQ(more.allocated(), 2U);
}

TEST(BatchAllocator, AReadyServerIsGivenOnce) {
  Fleet fleet(make_servers(3), of_batches());
  Batch batch(4);
  fleet.allocate_batch(batch.errands);
  EXPECT_EQ(batch.allocated(), 3U);
  EXPECT_EQ(batch.results[3].code, 8);
  EXPECT_EQ(allocate(fleet), "8");
}

TEST(BatchAllocator, AConflictIsOneForAllOfItsServerAndThenNoneIsLeft) {
  Fleet fleet(servers_with_rooms(2, 10), of_batches());
  std::vector<Write> fates = {Write::kConflict, Write::kOk};
  std::size_t writes = 0;
  fleet.set_writes([&] { return fates[std::min(writes++, fates.size() - 1)]; });
  Batch batch(5);
  std::fill(batch.requests.begin(), batch.requests.end(), a_room());
  fleet.allocate_batch(batch.errands);
  EXPECT_EQ(writes, 2U) << "one for all, and one more for all";
  EXPECT_EQ(rooms_given(batch),
            (std::vector<std::string>{"local-1 1", "local-1 2", "local-1 3", "local-1 4", "local-1 5"}));
  EXPECT_EQ(fleet.changes_since(0).cells[0].server.counters.at("rooms").count, 5) << "and what failed left nothing";

  fates = {Write::kConflict};
  Batch hopeless(2);
  std::fill(hopeless.requests.begin(), hopeless.requests.end(), a_room());
  fleet.allocate_batch(hopeless.errands);
  EXPECT_EQ(rooms_given(hopeless), (std::vector<std::string>{"8", "8"})) << "not 13, as v1.60 has it";
  EXPECT_FALSE(hopeless.responses[0].has_metadata());
  EXPECT_EQ(fleet.changes_since(0).cells[0].server.counters.at("rooms").count, 5);
  EXPECT_EQ(count(fleet, GameServerState::kAllocated), 1U);

  fates = {Write::kError};
  fleet.allocate_batch(hopeless.errands);
  EXPECT_EQ(rooms_given(hopeless), (std::vector<std::string>{"8", "8"})) << "both servers were lost from sight";
  fates = {Write::kOk};
  fleet.allocate_batch(hopeless.errands);
  EXPECT_EQ(rooms_given(hopeless), (std::vector<std::string>{"local-1 6", "local-1 7"})) << "and it is in sight again";
}

TEST(BatchAllocator, AWriteThatFailsForGoodIsAnError) {
  Fleet fleet(servers_with_rooms(6, 10), of_batches());
  fleet.set_writes([] { return Write::kError; });
  Batch batch(2);
  std::fill(batch.requests.begin(), batch.requests.end(), a_room());
  fleet.allocate_batch(batch.errands);
  EXPECT_EQ(rooms_given(batch), (std::vector<std::string>{"13", "13"}));
  EXPECT_EQ(count(fleet, GameServerState::kReady), 6U);
}

TEST(BatchAllocator, WhatABatchOfOneNeedsIsDecidedAlike) {
  Fleet fleet(servers_with_rooms(1, 2), of_batches());
  EXPECT_EQ(allocate(fleet, a_room()), "local-1");
  EXPECT_EQ(allocate(fleet, a_room()), "local-1");
  EXPECT_EQ(allocate(fleet, a_room()), "8");
}

TEST(BatchAllocator, OneUpdateIsWrittenForAll) {
  QueueTiming timing;
  timing.batch_wait = 1ms;
  timing.updates.per_second = 0.0001;  // a second one would take hours
  timing.updates.burst = 1;
  const auto fleet = std::make_shared<Fleet>(servers_with_rooms(10, 1000), of_batches());
  AllocationQueue queue(fleet, timing, 1);
  Batch batch(500);
  std::fill(batch.requests.begin(), batch.requests.end(), a_room());
  ASSERT_TRUE(queue.allocate(batch.errands));
  EXPECT_EQ(batch.allocated(), 500U);
  EXPECT_EQ(count(*fleet, GameServerState::kAllocated), 1U);
}

TEST(BatchAllocator, AServerThatIsBeingWrittenIsOutOfSight) {
  QueueTiming timing;
  timing.updates.each = std::chrono::hours(1);
  const auto fleet = std::make_shared<Fleet>(servers_with_rooms(1, 1000), of_batches());
  AllocationQueue queue(fleet, timing, 1);
  Batch first(1);
  first.requests[0] = a_room();
  std::thread waits([&] { EXPECT_FALSE(queue.allocate(first.errands)); });
  ASSERT_TRUE(wait_until([&] { return count(*fleet, GameServerState::kAllocated) == 1; }));
  Batch second(1);
  second.requests[0] = a_room();
  EXPECT_TRUE(queue.allocate(second.errands));
  EXPECT_EQ(second.results[0].code, 8);
  queue.close();
  waits.join();
}

TEST(AllocationQueue, ABatchTakesTheWaitAndItsUpdates) {
  QueueTiming timing;
  timing.batch_wait = 50ms;
  timing.updates.per_second = 1000;
  timing.updates.burst = 1;
  const auto fleet = std::make_shared<Fleet>(make_servers(500));
  AllocationQueue queue(fleet, timing, 1);
  Batch batch(200);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(queue.allocate(batch.errands));
  // One goes at once, 199 at the rate. More is the machine's.
  EXPECT_GE(std::chrono::steady_clock::now() - start, 199ms);
  EXPECT_EQ(batch.allocated(), 200U);
}

TEST(AllocationQueue, RefusalsNeedNoUpdate) {
  QueueTiming timing;
  timing.updates.each = std::chrono::hours(1);
  const auto fleet = std::make_shared<Fleet>(make_servers(1));
  AllocationQueue queue(fleet, timing, 1);
  Batch batch(1);
  batch.requests[0].set_namespace_("nowhere");
  ASSERT_TRUE(queue.allocate(batch.errands));
  EXPECT_EQ(batch.results[0].code, 8);
}

TEST(AllocationQueue, OneSlowUpdateHoldsUpItsBatchAndNoOther) {
  QueueTiming timing;
  timing.updates.each = std::chrono::hours(1);
  timing.updates.at_a_time = 100;
  const auto fleet = std::make_shared<Fleet>(make_servers(10));
  AllocationQueue queue(fleet, timing, 1);
  Batch slow(1);
  std::atomic<bool> ended{false};
  std::thread waits([&] {
    EXPECT_FALSE(queue.allocate(slow.errands)) << "closed before it was done";
    ended = true;
  });
  ASSERT_TRUE(wait_until([&] { return count(*fleet, GameServerState::kAllocated) == 1; }));
  Batch refused(1);
  refused.requests[0].set_namespace_("nowhere");
  EXPECT_TRUE(queue.allocate(refused.errands));
  EXPECT_FALSE(ended);
  queue.close();
  waits.join();
}

TEST(AllocationQueue, ManyStreamsShareTheServersAndNoneIsGivenTwice) {
  QueueTiming timing;
  timing.batch_wait = 1ms;
  timing.updates.each = 1ms;
  const auto fleet = std::make_shared<Fleet>(make_servers(1000));
  AllocationQueue queue(fleet, timing, 1);
  std::vector<std::unique_ptr<Batch>> batches;
  std::vector<std::thread> streams;
  for (int i = 0; i < 8; ++i) {
    batches.push_back(std::make_unique<Batch>(100));
    streams.emplace_back([&queue, batch = batches.back().get()] { EXPECT_TRUE(queue.allocate(batch->errands)); });
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i].join();
    for (const auto& response : batches[i]->responses) {
      EXPECT_TRUE(names.insert(response.gameservername()).second) << response.gameservername();
    }
  }
  EXPECT_EQ(names.size(), 800U);
}

}  // namespace
}  // namespace agones::local
