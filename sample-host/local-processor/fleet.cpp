// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet.h"

#include <algorithm>

namespace agones::local {

namespace {

constexpr std::size_t kEventsKept = 50;
constexpr std::size_t kLongestDetail = 300;  // a request's values may be of any size

}  // namespace

Fleet::Fleet(std::vector<GameServer> servers, Rules rules, Life life, std::uint32_t seed)
    : life_(life), allocator_(std::move(rules), seed), random_(seed) {
  places_.resize(servers.size());
  std::shared_ptr<const Birth> last;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    GameServer& server = servers[i];
    const bool alike = last != nullptr && last->labels == server.labels && last->annotations == server.annotations &&
                       last->counters == server.counters && last->lists == server.lists;
    if (!alike) {
      last = std::make_shared<Birth>(Birth{server.labels, server.annotations, server.counters, server.lists});
    }
    places_[i].birth = last;
    put(i, std::move(server));
  }
}

void Fleet::put(std::size_t place, GameServer server) {
  places_[place].server = &allocator_.put(std::move(server), place);
  touch(place);
}

void Fleet::note(FleetEvent::Kind kind, const GameServer& server, const std::string& detail) {
  if (events_.size() == kEventsKept) {
    events_.pop_front();
  }
  events_.push_back(
      {std::chrono::system_clock::now(), kind, server.space + "/" + server.name, detail.substr(0, kLongestDetail)});
}

void Fleet::set_writes(std::function<Write()> fate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  allocator_.set_writes(std::move(fate));
}

void Fleet::begin_list() {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  allocator_.begin_list();
}

AllocationResult Fleet::allocate(const allocation::AllocationRequest& request,
                                 allocation::AllocationResponse& response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Decision decision = decide_locked(request, response);
  if (decision.allocated != nullptr) {
    allocator_.settle(decision.allocated);
  }
  return std::move(decision.result);
}

Decision Fleet::decide(const allocation::AllocationRequest& request, allocation::AllocationResponse& response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return decide_locked(request, response);
}

void Fleet::settle(const std::shared_ptr<Candidate>& allocated) {
  const std::lock_guard<std::mutex> lock(mutex_);
  allocator_.settle(allocated);
}

Decision Fleet::decide_locked(const allocation::AllocationRequest& request, allocation::AllocationResponse& response) {
  Decision decision = allocator_.decide(request, std::chrono::system_clock::now(), response);
  if (decision.allocated == nullptr) {
    return decision;
  }
  const Candidate& server = *decision.allocated;
  touch(server.tag);
  note(FleetEvent::Kind::kAllocated, server);
  for (const std::string& warning : decision.warnings) {
    note(FleetEvent::Kind::kWarning, server, warning);
  }
  if (life_.session.count() > 0) {
    due_.emplace(Clock::now() + life_.session, Due{server.tag, server.name, Deed::kEndSession});
  }
  return decision;
}

void Fleet::do_what_is_due(Clock::time_point now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const Due due = due_.begin()->second;
    due_.erase(due_.begin());
    if (places_[due.place].server->name != due.name) {
      continue;  // its session was ended before, or it was allocated twice
    }
    if (due.deed == Deed::kEndSession) {
      replace(due.place);
    } else {
      GameServer ready = *places_[due.place].server;
      ready.state = GameServerState::kReady;
      put(due.place, std::move(ready));
      note(FleetEvent::Kind::kReady, *places_[due.place].server);
    }
  }
}

void Fleet::replace(std::size_t place) {
  const GameServer& old = *places_[place].server;
  note(FleetEvent::Kind::kSessionEnded, old);
  const Birth& birth = *places_[place].birth;
  GameServer fresh = old;
  fresh.name = new_name(old.space, old.name);
  fresh.labels = birth.labels;
  fresh.annotations = birth.annotations;
  fresh.counters = birth.counters;
  fresh.lists = birth.lists;
  fresh.deleting = false;
  const bool at_once = life_.start.count() == 0;
  fresh.state = at_once ? GameServerState::kReady : GameServerState::kStarting;
  allocator_.remove(std::string(old.space), std::string(old.name));
  put(place, std::move(fresh));
  if (!at_once) {
    due_.emplace(Clock::now() + life_.start, Due{place, places_[place].server->name, Deed::kBecomeReady});
  }
}

// As Kubernetes makes them: five characters after the last dash.
std::string Fleet::new_name(const std::string& space, const std::string& old_name) {
  constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::uniform_int_distribution<std::size_t> letter(0, sizeof(kLetters) - 2);
  const std::string base = old_name.substr(0, old_name.rfind('-')) + "-";
  std::string name;
  do {
    name = base;
    for (int i = 0; i < 5; ++i) {
      name += kLetters[letter(random_)];
    }
  } while (allocator_.find(space, name) != nullptr);
  return name;
}

bool Fleet::end_session(const std::string& space, const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  const Candidate* const server = allocator_.find(space, name);
  if (server == nullptr || server->state != GameServerState::kAllocated) {
    return false;
  }
  replace(server->tag);
  return true;
}

std::size_t Fleet::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return places_.size();
}

std::map<GameServerState, std::size_t> Fleet::states() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::map<GameServerState, std::size_t> states;
  for (const Place& place : places_) {
    ++states[place.server->state];
  }
  return states;
}

FleetChanges Fleet::changes_since(std::uint64_t version) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  FleetChanges changes;
  changes.version = version_;
  changes.places = places_.size();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].version > version) {
      changes.cells.push_back({static_cast<std::uint32_t>(i), *places_[i].server});
    }
  }
  changes.events.assign(events_.begin(), events_.end());
  return changes;
}

std::vector<GameServer> make_servers(std::size_t count) {
  constexpr std::size_t kPerNode = 100;
  std::vector<GameServer> servers;
  servers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t node = i / kPerNode;
    GameServer server;
    server.name = "local-" + std::to_string(i + 1);
    server.labels = {{"agones.dev/fleet", "local"}};
    server.address = "10." + std::to_string(node / 65536 % 256) + "." + std::to_string(node / 256 % 256) + "." +
                     std::to_string(node % 256);
    server.addresses = {{"InternalIP", server.address}};
    server.node = "node-" + std::to_string(node + 1);
    server.ports.push_back({"default", static_cast<std::int32_t>(7000 + i % kPerNode)});
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace agones::local
