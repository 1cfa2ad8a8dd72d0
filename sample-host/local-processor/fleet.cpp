// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet.h"

#include <algorithm>
#include <set>

namespace agones::local {

namespace {

constexpr std::size_t kEventsKept = 50;
constexpr std::chrono::seconds kBetweenExplanations(1);
constexpr std::size_t kLongestDetail = 300;  // a request's values may be of any size

}  // namespace

Fleet::Fleet(std::vector<GameServer> servers, Rules rules, Life life, std::uint32_t seed,
             const std::vector<FleetSpec>& fleets)
    : life_(life), decides_batches_(rules.batches), allocator_(std::move(rules), seed), maker_(seed) {
  for (const FleetSpec& spec : fleets) {
    Group& group = groups_[{spec.of_servers.server.space, spec.name}];
    group.spec = spec;
    group.prefix = maker_.prefix_of_fleet(spec.name);
    if (spec.autoscaler) {
      next_autoscale_ = {};
    }
  }
  places_.resize(servers.size());
  std::shared_ptr<const Birth> last;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    GameServer& server = servers[i];
    const bool alike = last != nullptr && last->labels == server.labels && last->annotations == server.annotations &&
                       last->counters == server.counters && last->lists == server.lists;
    if (!alike) {
      last = std::make_shared<Birth>(Birth{server.labels, server.annotations, server.counters, server.lists});
    }
    maker_.know(server);
    places_[i].birth = last;
    places_[i].group = group_of(server);
    put(i, std::move(server));
  }
  do_what_is_due(Clock::now());
}

// Counts it in.
Fleet::Group* Fleet::group_of(const GameServer& server) {
  const auto label = server.labels.find(kFleetLabel);
  if (label == server.labels.end()) {
    return nullptr;
  }
  const auto [found, is_new] = groups_.try_emplace({server.space, label->second});
  Group& group = found->second;
  if (is_new) {
    group.by_label = true;
    group.spec.name = label->second;
    group.spec.of_servers.server = server;
    for (const GameServer::Port& port : server.ports) {
      group.spec.of_servers.ports.push_back({port.name, PortRule::Policy::kAssigned, 0});
    }
  }
  if (group.servers == 0) {
    group.prefix = server.name.substr(0, server.name.rfind('-')) + "-";
  }
  ++group.servers;
  if (group.by_label) {
    group.spec.replicas = static_cast<std::uint32_t>(group.servers);
  }
  return &group;
}

void Fleet::put(std::size_t place, GameServer server) {
  places_[place].server = &allocator_.put(std::move(server), place);
  touch(place);
}

std::size_t Fleet::empty_place() {
  if (empty_.empty()) {
    places_.emplace_back();
    return places_.size() - 1;
  }
  const std::size_t place = empty_.back();
  empty_.pop_back();
  return place;
}

void Fleet::add_server(Group& group) {
  const Template& of = group.spec.of_servers;
  GameServer server = maker_.make(of, maker_.name_from(of.server.space, group.prefix));
  const std::size_t place = empty_place();
  places_[place].birth =
      std::make_shared<Birth>(Birth{server.labels, server.annotations, server.counters, server.lists});
  places_[place].group = &group;
  ++group.servers;
  if (life_.start.count() > 0) {
    server.state = GameServerState::kStarting;
    due_.emplace(Clock::now() + life_.start, Due{place, server.name, Deed::kBecomeReady});
  }
  put(place, std::move(server));
}

void Fleet::vacate(std::size_t place) {
  const GameServer& server = *places_[place].server;
  maker_.forget(server);
  if (places_[place].group != nullptr) {
    --places_[place].group->servers;
  }
  allocator_.remove(std::string(server.space), std::string(server.name));
  places_[place] = {};
  touch(place);
  empty_.push_back(place);
}

void Fleet::bring_to_size(Group& group) {
  while (group.servers < group.spec.replicas) {
    add_server(group);
  }
  for (std::size_t i = places_.size(); i > 0 && group.servers > group.spec.replicas; --i) {
    const Place& place = places_[i - 1];
    if (place.group == &group && place.server->state != GameServerState::kAllocated) {
      vacate(i - 1);
    }
  }
}

void Fleet::autoscale(Clock::time_point now) {
  next_autoscale_ = Clock::time_point::max();
  for (auto& [name, group] : groups_) {
    if (!group.spec.autoscaler) {
      continue;
    }
    if (now >= group.next_look) {
      group.next_look = now + group.spec.autoscaler->interval;
      const auto allocated = static_cast<std::size_t>(
          std::count_if(places_.begin(), places_.end(), [&, its_group = &group](const Place& place) {
            return place.group == its_group && place.server->state == GameServerState::kAllocated;
          }));
      const std::uint32_t replicas = group.spec.autoscaler->replicas_for(allocated);
      if (replicas != group.spec.replicas) {
        group.spec.replicas = replicas;
        bring_to_size(group);
        note_fleet(group, "autoscaled to " + std::to_string(replicas) + " replicas");
      }
    }
    next_autoscale_ = std::min(next_autoscale_, group.next_look);
  }
}

void Fleet::note_fleet(const Group& group, const std::string& what) {
  GameServer named;
  named.space = group.spec.of_servers.server.space;
  named.name = group.spec.name;
  note(FleetEvent::Kind::kFleet, named, what);
}

void Fleet::apply(const FleetSpec& spec) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  Group& group = groups_[{spec.of_servers.server.space, spec.name}];
  const bool is_new = group.prefix.empty();
  const bool changed = !is_new && !(group.spec.of_servers == spec.of_servers);
  const std::optional<Autoscaler> autoscaler = group.spec.autoscaler;
  group.spec = spec;
  if (!spec.autoscaler) {
    group.spec.autoscaler = autoscaler;
  }
  if (is_new || changed) {
    group.prefix = maker_.prefix_of_fleet(spec.name);
  }
  if (changed) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].group == &group && places_[i].server->state != GameServerState::kAllocated) {
        vacate(i);
      }
    }
  }
  bring_to_size(group);
  note_fleet(group, "applied: " + std::to_string(spec.replicas) + " replicas");
}

bool Fleet::scale(const std::string& space, const std::string& name, std::uint32_t replicas) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  const auto found = groups_.find({space, name});
  if (found == groups_.end()) {
    return false;
  }
  found->second.spec.replicas = replicas;
  bring_to_size(found->second);
  note_fleet(found->second, "scaled to " + std::to_string(replicas) + " replicas");
  return true;
}

bool Fleet::remove_fleet(const std::string& space, const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  const auto found = groups_.find({space, name});
  if (found == groups_.end()) {
    return false;
  }
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].group == &found->second) {
      vacate(i);
    }
  }
  note_fleet(found->second, "deleted");
  groups_.erase(found);
  return true;
}

std::vector<FleetStatus> Fleet::fleets() {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  std::map<const Group*, FleetStatus> by_group;
  for (const auto& [name, group] : groups_) {
    by_group[&group] = {name.first, name.second, group.spec.replicas, group.servers, 0, 0};
  }
  for (const Place& place : places_) {
    if (place.group != nullptr) {
      FleetStatus& status = by_group.at(place.group);
      status.ready += place.server->state == GameServerState::kReady ? 1 : 0;
      status.allocated += place.server->state == GameServerState::kAllocated ? 1 : 0;
    }
  }
  std::vector<FleetStatus> all;
  for (const auto& [name, group] : groups_) {
    all.push_back(by_group.at(&group));
  }
  return all;
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
  note_decision(request, decision);
  return decision;
}

std::vector<Decision> Fleet::decide_batch(const std::vector<Errand>& errands) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return decide_batch_locked(errands);
}

void Fleet::allocate_batch(const std::vector<Errand>& errands) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::set<std::shared_ptr<Candidate>> allocated;
  for (const Decision& decision : decide_batch_locked(errands)) {
    if (decision.allocated != nullptr && allocated.insert(decision.allocated).second) {
      allocator_.settle(decision.allocated);
    }
  }
}

std::vector<Decision> Fleet::decide_batch_locked(const std::vector<Errand>& errands) {
  do_what_is_due(Clock::now());
  std::vector<Decision> decisions = allocator_.decide_batch(errands, std::chrono::system_clock::now());
  for (std::size_t i = 0; i < errands.size(); ++i) {
    note_decision(*errands[i].request, decisions[i]);
  }
  return decisions;
}

void Fleet::note_decision(const allocation::AllocationRequest& request, const Decision& decision) {
  if (decision.allocated == nullptr) {
    if (decision.writes == 0) {
      note_none_left(request);
    }
    return;
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
}

std::vector<const GameServer*> Fleet::servers() const {
  std::vector<const GameServer*> all;
  for (const Place& place : places_) {
    if (place.server != nullptr) {
      all.push_back(place.server);
    }
  }
  return all;
}

Explanation Fleet::explain(const allocation::AllocationRequest& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  return local::explain(request, servers());
}

// Now and then: it looks at every game server.
void Fleet::note_none_left(const allocation::AllocationRequest& request) {
  const auto now = Clock::now();
  if (now < next_explanation_) {
    return;
  }
  GameServer asked_for;
  asked_for.space = request.namespace_();
  note(FleetEvent::Kind::kNoneLeft, asked_for, short_text_of(local::explain(request, servers())));
  next_explanation_ = Clock::now() + std::max<Clock::duration>(kBetweenExplanations, 20 * (Clock::now() - now));
}

void Fleet::do_what_is_due(Clock::time_point now) {
  if (now >= next_autoscale_) {
    autoscale(now);
  }
  while (!due_.empty() && due_.begin()->first <= now) {
    const Due due = due_.begin()->second;
    due_.erase(due_.begin());
    const Candidate* const server = places_[due.place].server;
    if (server == nullptr || server->name != due.name) {
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
  const Group* const group = places_[place].group;
  if (group != nullptr && group->servers > group->spec.replicas) {
    vacate(place);
    return;
  }
  const Birth& birth = *places_[place].birth;
  GameServer fresh = old;
  fresh.name = maker_.name_from(old.space, old.name.substr(0, old.name.rfind('-')) + "-");
  fresh.labels = birth.labels;
  fresh.annotations = birth.annotations;
  fresh.counters = birth.counters;
  fresh.lists = birth.lists;
  fresh.deleting = false;
  const bool at_once = life_.start.count() == 0;
  fresh.state = at_once ? GameServerState::kReady : GameServerState::kStarting;
  maker_.forget(old);
  maker_.know(fresh);
  allocator_.remove(std::string(old.space), std::string(old.name));
  put(place, std::move(fresh));
  if (!at_once) {
    due_.emplace(Clock::now() + life_.start, Due{place, places_[place].server->name, Deed::kBecomeReady});
  }
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

std::size_t Fleet::size() {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  return places_.size() - empty_.size();
}

std::map<GameServerState, std::size_t> Fleet::states() {
  const std::lock_guard<std::mutex> lock(mutex_);
  do_what_is_due(Clock::now());
  std::map<GameServerState, std::size_t> states;
  for (const Place& place : places_) {
    if (place.server != nullptr) {
      ++states[place.server->state];
    }
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
    if (places_[i].version <= version) {
      continue;
    }
    const auto number = static_cast<std::uint32_t>(i);
    if (places_[i].server != nullptr) {
      changes.cells.push_back({number, false, *places_[i].server});
    } else if (version > 0) {
      changes.cells.push_back({number, true, {}});
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
    server.labels = {{kFleetLabel, "local"}};
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
