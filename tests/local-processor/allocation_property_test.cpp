// SPDX-License-Identifier: Apache-2.0
// Random fleets and requests: what must hold for every allocation, whatever the rules choose. Rules beside the index: each choice is
// compared with a plain scan of all game servers.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "local-processor/allocation/allocator.h"
#include "local-processor/allocation/selector.h"
#include "local-processor/allocation/validation.h"

namespace agones::local {
namespace {

constexpr int kAllocations = 100'000;

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(engine_); }
  bool once_in(int times) { return below(times) == 0; }
  template <typename T>
  const T& one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(static_cast<int>(values.size())))];
  }

 private:
  std::mt19937 engine_;
};

const std::vector<std::string> kSpaces = {"default", "games"};
const std::vector<std::string> kKeys = {"mode", "region"};
const std::vector<std::string> kValues = {"a", "b", "c"};

GameServer random_server(int number, Random& random) {
  GameServer server;
  server.name = "gs-" + std::to_string(number);
  server.space = random.one_of(kSpaces);
  server.node = random.once_in(10) ? "" : "n" + std::to_string(random.below(6));
  server.state = random.once_in(8)   ? GameServerState::kUnhealthy
                 : random.once_in(3) ? GameServerState::kAllocated
                                     : GameServerState::kReady;
  server.deleting = random.once_in(20);
  for (const std::string& key : kKeys) {
    if (random.once_in(2)) {
      server.labels[key] = random.one_of(kValues);
    }
  }
  if (random.once_in(2)) {
    server.counters["players"] = {random.below(12), random.below(12)};
  }
  if (random.once_in(2)) {
    List& list = server.lists["ids"];
    list.capacity = random.below(6);
    for (int i = random.below(6); i > 0; --i) {
      list.values.push_back(random.one_of(kValues));
    }
  }
  return server;
}

void fill(allocation::GameServerSelector& selector, Random& random) {
  if (random.once_in(3)) {
    selector.set_gameserverstate(allocation::GameServerSelector::ALLOCATED);
  }
  if (random.once_in(2)) {
    (*selector.mutable_matchlabels())[random.one_of(kKeys)] = random.one_of(kValues);
  }
  if (random.once_in(4)) {
    auto* expression = selector.add_matchexpressions();
    expression->set_key(random.one_of(kKeys));
    expression->set_operator_(static_cast<allocation::LabelMatchExpressions::Operator>(random.below(4)));
    if (random.below(10) > 0 && expression->operator_() <= allocation::LabelMatchExpressions::NotIn) {
      expression->add_values(random.one_of(kValues));
    }
  }
  if (random.once_in(3)) {
    auto& counter = (*selector.mutable_counters())["players"];
    counter.set_minavailable(random.below(4));
    counter.set_maxcount(random.once_in(2) ? random.below(12) : 0);
  }
  if (random.once_in(4)) {
    auto& list = (*selector.mutable_lists())["ids"];
    list.set_minavailable(random.below(3));
    list.set_containsvalue(random.once_in(2) ? random.one_of(kValues) : "");
  }
}

allocation::AllocationRequest random_request(Random& random) {
  allocation::AllocationRequest request;
  request.set_namespace_(random.one_of(kSpaces));
  for (int i = random.below(4); i > 0; --i) {
    fill(*request.add_gameserverselectors(), random);
  }
  if (random.once_in(3)) {
    request.set_scheduling(allocation::AllocationRequest::Distributed);
  }
  for (int i = random.below(3); i > 0; --i) {
    auto* priority = request.add_priorities();
    const bool list = random.once_in(2);
    priority->set_type(list ? allocation::Priority::List : allocation::Priority::Counter);
    priority->set_key(list ? "ids" : "players");
    priority->set_order(random.once_in(2) ? allocation::Priority::Ascending : allocation::Priority::Descending);
  }
  if (random.once_in(2)) {
    auto& action = (*request.mutable_counters())["players"];
    action.mutable_action()->set_value(random.once_in(2) ? "Increment" : "Decrement");
    action.mutable_amount()->set_value(random.below(20));
    if (random.once_in(3)) {
      action.mutable_capacity()->set_value(random.below(15));
    }
  }
  if (random.once_in(2)) {
    auto& action = (*request.mutable_lists())["ids"];
    action.add_addvalues(random.one_of(kValues));
    action.add_deletevalues(random.one_of(kValues));
  }
  if (random.once_in(3)) {
    (*request.mutable_metadata()->mutable_labels())[random.one_of(kKeys)] = random.one_of(kValues);
  }
  return request;
}

using Servers = std::map<std::string, GameServer>;  // by "namespace/name"

bool matches(const allocation::GameServerSelector& selector, const GameServer& server) {
  return server.state == state_of(selector) && !server.deleting && labels_match(selector, server.labels) &&
         counts_match(selector, server.counters, server.lists);
}

// The candidates of the first selector with a match.
std::vector<const GameServer*> scan(const allocation::AllocationRequest& request, const Servers& servers) {
  std::vector<const GameServer*> found;
  for (const auto* selector : selectors_of(request)) {
    for (const auto& [key, server] : servers) {
      if (server.space == request.namespace_() && matches(*selector, server)) {
        found.push_back(&server);
      }
    }
    if (!found.empty()) {
      break;
    }
  }
  return found;
}

std::optional<std::int64_t> room(const GameServer& server, const Priority& priority) {
  if (priority.list) {
    const auto found = server.lists.find(priority.key);
    return found == server.lists.end() ? std::nullopt : std::optional(available(found->second));
  }
  const auto found = server.counters.find(priority.key);
  return found == server.counters.end() ? std::nullopt : std::optional(available(found->second));
}

struct Fullness {
  int allocated = 0;
  int ready = 0;
};

std::map<std::string, Fullness> count_nodes(const Servers& servers) {
  std::map<std::string, Fullness> nodes;
  for (const auto& [key, server] : servers) {
    nodes[server.node].allocated += server.state == GameServerState::kAllocated ? 1 : 0;
    nodes[server.node].ready += server.state == GameServerState::kReady ? 1 : 0;
  }
  return nodes;
}

// Written from the rules, without the index.
bool comes_before(const GameServer& a, const GameServer& b, const SortKey& key,
                  const std::map<std::string, Fullness>& nodes) {
  if (key.scheduling == Scheduling::kPacked) {
    const Fullness& of_a = nodes.at(a.node);
    const Fullness& of_b = nodes.at(b.node);
    if (of_a.allocated != of_b.allocated) {
      return of_a.allocated > of_b.allocated;
    }
    if (of_a.ready != of_b.ready) {
      return of_a.ready > of_b.ready;
    }
  }
  for (const Priority& priority : key.priorities) {
    const auto of_a = room(a, priority);
    const auto of_b = room(b, priority);
    if (of_a && !of_b) {
      return true;
    }
    if (!of_a && of_b) {
      return false;
    }
    if (of_a && *of_a != *of_b) {
      return priority.descending ? *of_a > *of_b : *of_a < *of_b;
    }
  }
  return a.name < b.name;
}

void check_choice(const allocation::AllocationRequest& request, const Servers& before, const std::string& chosen) {
  const std::vector<const GameServer*> candidates = scan(request, before);
  const SortKey key = sort_key_of(request);
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const GameServer* server) { return server->name == chosen; });
  ASSERT_NE(found, candidates.end()) << chosen << " is no candidate";
  if (key.scheduling == Scheduling::kDistributed && key.priorities.empty()) {
    return;  // any
  }
  const auto nodes = count_nodes(before);
  for (const GameServer* other : candidates) {
    ASSERT_FALSE(other != *found && comes_before(*other, **found, key, nodes))
        << other->name << " comes before " << chosen;
  }
}

void check_state(const GameServer& before, const GameServer& after, const allocation::AllocationRequest& request) {
  EXPECT_EQ(after.state, GameServerState::kAllocated);
  EXPECT_EQ(after.annotations.count("agones.dev/last-allocated"), 1U);
  EXPECT_EQ(after.counters.size(), before.counters.size());
  EXPECT_EQ(after.lists.size(), before.lists.size());
  for (const auto& [name, counter] : after.counters) {
    if (request.counters().count(name) > 0) {
      EXPECT_GE(counter.count, 0);
      EXPECT_LE(counter.count, counter.capacity);
    } else {
      EXPECT_EQ(counter, before.counters.at(name));
    }
  }
  for (const auto& [name, list] : after.lists) {
    if (request.lists().count(name) > 0) {
      EXPECT_LE(static_cast<std::int64_t>(list.values.size()), list.capacity);
      const std::string& deleted = request.lists().at(name).deletevalues(0);
      EXPECT_EQ(std::count(list.values.begin(), list.values.end(), deleted), 0);
    } else {
      EXPECT_EQ(list, before.lists.at(name));
    }
  }
}

TEST(AllocationProperty, EveryChoiceIsTheRulesChoice) {
  int allocated = 0;
  int refused = 0;
  int none = 0;
  for (std::uint32_t seed = 1; allocated < kAllocations; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Allocator allocator({}, seed);
    Servers servers;
    for (int i = 1 + random.below(40); i > 0; --i) {
      GameServer server = random_server(i, random);
      servers[server.space + "/" + server.name] = server;
      allocator.put(std::move(server));
    }
    for (int step = 0; step < 60; ++step) {
      if (random.once_in(12)) {  // somebody else changes the fleet
        GameServer server = random_server(1 + random.below(40), random);
        servers[server.space + "/" + server.name] = server;
        allocator.put(std::move(server));
      }
      allocator.begin_list();
      const auto request = random_request(random);
      allocation::AllocationResponse response;
      const Decision decision = allocator.decide(request, std::chrono::system_clock::now(), response);
      if (decision.result.code != 0) {
        ASSERT_EQ(decision.allocated, nullptr);
        ASSERT_EQ(decision.result.code, validate(request).empty() ? 8 : 3);
        ASSERT_TRUE(decision.result.code == 3 || scan(request, servers).empty());
        ++(decision.result.code == 3 ? refused : none);
        continue;
      }
      ++allocated;
      allocator.settle(decision.allocated);
      check_choice(request, servers, response.gameservername());
      if (HasFatalFailure()) {
        FAIL() << request.ShortDebugString();
      }
      GameServer& mine = servers.at(request.namespace_() + "/" + response.gameservername());
      check_state(mine, *decision.allocated, request);
      mine = *decision.allocated;
    }
  }
  // All kinds of ends came about.
  EXPECT_GT(refused, 1000);
  EXPECT_GT(none, 1000);
  std::printf("%d allocations, %d times none left, %d refused\n", allocated, none, refused);
}

TEST(AllocationProperty, NoServerOfAListIsGivenTwice) {
  Random random(3);
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    Allocator allocator({}, seed);
    for (int i = 1; i <= 60; ++i) {
      allocator.put(random_server(i, random));
    }
    allocator.begin_list();
    auto request = random_request(random);
    std::vector<std::string> names;
    for (int i = 0; i < 90; ++i) {
      allocation::AllocationResponse response;
      const Decision decision = allocator.decide(request, std::chrono::system_clock::now(), response);
      if (decision.allocated != nullptr) {
        names.push_back(response.gameservername());
        allocator.settle(decision.allocated);
      }
    }
    std::sort(names.begin(), names.end());
    ASSERT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << request.ShortDebugString();
  }
}

TEST(AllocationProperty, DistributedIsEquallyLikely) {
  constexpr int kServers = 10;
  constexpr int kDraws = 20'000;
  Allocator allocator({}, 42);
  for (int i = 0; i < kServers; ++i) {
    GameServer server;
    server.name = "gs-" + std::to_string(i);
    server.node = i < 8 ? "full" : "empty";
    server.counters["players"] = {i % 3, 10};  // not alike, so in several pools
    allocator.put(server);
  }
  allocation::AllocationRequest request;
  request.set_namespace_("default");
  request.set_scheduling(allocation::AllocationRequest::Distributed);
  std::map<std::string, int> chosen;
  for (int i = 0; i < kDraws; ++i) {
    allocator.begin_list();
    allocation::AllocationResponse response;
    const Decision decision = allocator.decide(request, std::chrono::system_clock::now(), response);
    ++chosen[response.gameservername()];
    GameServer again = *decision.allocated;
    again.state = GameServerState::kReady;
    allocator.put(again);
  }
  // Ten times the standard deviation, for a seed that is always the same.
  constexpr int kEach = kDraws / kServers;
  for (const auto& [name, times] : chosen) {
    EXPECT_NEAR(times, kEach, 430) << name;
  }
  EXPECT_EQ(chosen.size(), static_cast<std::size_t>(kServers));
}

TEST(AllocationFaults, AFailedWriteTakesTheServerOutOfSight) {
  Allocator allocator({}, 1);
  for (const char* name : {"a", "b"}) {
    GameServer server;
    server.name = name;
    allocator.put(server);
  }
  std::vector<Write> fates = {Write::kError};
  allocator.set_writes([&] {
    const Write fate = fates.empty() ? Write::kOk : fates.back();
    if (!fates.empty()) {
      fates.pop_back();
    }
    return fate;
  });
  allocation::AllocationRequest request;
  request.set_namespace_("default");
  const auto allocate = [&] {
    allocator.begin_list();
    allocation::AllocationResponse response;
    const Decision decision = allocator.decide(request, std::chrono::system_clock::now(), response);
    return decision.result.code == 0 ? response.gameservername() : std::to_string(decision.result.code);
  };
  EXPECT_EQ(allocate(), "b") << "a was lost, the next try took the other";
  EXPECT_EQ(allocate(), "8") << "nobody knows of a";
  GameServer again;
  again.name = "a";
  allocator.put(again);
  fates.assign(5, Write::kConflict);
  EXPECT_EQ(allocate(), "13") << "five conflicts";
  EXPECT_EQ(allocate(), "a");
}

}  // namespace
}  // namespace agones::local
