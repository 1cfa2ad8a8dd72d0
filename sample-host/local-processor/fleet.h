// SPDX-License-Identifier: Apache-2.0
// A fleet of game servers in memory and their lives: what the processor's cluster has. Thread-safe, without a thread of its
// own: what is due by the clock is done by the next call of any of these.
#pragma once

#include <allocation/allocation.pb.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "local-processor/allocation/allocator.h"
#include "local-processor/allocation/explain.h"
#include "local-processor/allocation/game_server.h"
#include "local-processor/fleet_template.h"

namespace agones::local {

// How game servers live: ready -> allocated -> gone, and another of the same kind in its place.
struct Life {
  std::chrono::milliseconds session{0};  // from the allocation to the end; 0: until end_session()
  std::chrono::milliseconds start{0};    // that a new one takes to become ready
};

// A game server, or the one in its place.
struct Cell {
  std::uint32_t number = 0;  // the place
  bool empty = false;        // the server is gone, and none is in its place
  GameServer server;
};

// A fleet as it is now.
struct FleetStatus {
  std::string space;
  std::string name;
  std::uint32_t replicas = 0;
  std::size_t servers = 0;
  std::size_t ready = 0;
  std::size_t allocated = 0;
};

struct FleetEvent {
  enum class Kind { kAllocated, kSessionEnded, kReady, kWarning, kFleet, kNoneLeft };

  std::chrono::system_clock::time_point time;
  Kind kind = Kind::kAllocated;
  std::string server;  // "namespace/name"
  std::string detail;
};

struct FleetChanges {
  std::uint64_t version = 0;  // to ask for what comes after
  std::size_t places = 0;
  std::vector<Cell> cells;
  std::vector<FleetEvent> events;  // the last ones, oldest first
};

class Fleet {
 public:
  // `fleets`: of servers that are there; others are fleets by their label, of servers like their first one.
  explicit Fleet(std::vector<GameServer> servers, Rules rules = {}, Life life = {}, std::uint32_t seed = 1,
                 const std::vector<FleetSpec>& fleets = {});

  // To be called before the requests of a batch: they share a list of candidates.
  void begin_list();
  // `response`, which is empty, is written if a game server was allocated.
  AllocationResult allocate(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);
  // Why it finds what it finds; allocates nothing.
  Explanation explain(const allocation::AllocationRequest& request);
  // In two steps, for whoever takes time to write: nobody else gets the server until settle().
  Decision decide(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);
  void settle(const std::shared_ptr<Candidate>& allocated);
  // Of rules that decide a batch as one (Rules::batches): instead of the above. Several of the decisions may have the same server.
  bool decides_batches() const { return decides_batches_; }
  void allocate_batch(const std::vector<Errand>& errands);
  std::vector<Decision> decide_batch(const std::vector<Errand>& errands);
  // Each write's fate; called with the fleet's lock held.
  void set_writes(std::function<Write()> fate);

  // The allocated game server is gone, and another in its place; false if there is none of that name.
  bool end_session(const std::string& space, const std::string& name);

  // A new fleet, or the fleet of that name as it is now wanted; its autoscaler stays: allocated servers stay, the others are made anew if the template has
  // changed.
  void apply(const FleetSpec& spec);
  // Servers that are not allocated go first, and no others before their sessions end. False: no fleet of that name.
  bool scale(const std::string& space, const std::string& name, std::uint32_t replicas);
  // With all of its servers.
  bool remove_fleet(const std::string& space, const std::string& name);
  std::vector<FleetStatus> fleets();

  std::size_t size();
  std::map<GameServerState, std::size_t> states();
  // What changed after a version; 0: everything.
  FleetChanges changes_since(std::uint64_t version);

 private:
  using Clock = std::chrono::steady_clock;

  // What a game server is born with.
  struct Birth {
    Labels labels;
    Labels annotations;
    std::map<std::string, Counter> counters;
    std::map<std::string, List> lists;
  };
  struct Group {
    FleetSpec spec;
    std::string prefix;     // of its servers' names
    bool by_label = false;  // nobody has said how many there should be
    std::size_t servers = 0;
    Clock::time_point next_look{};  // of its autoscaler
  };
  struct Place {
    const Candidate* server = nullptr;   // null: empty
    std::shared_ptr<const Birth> birth;  // alike ones share it
    Group* group = nullptr;              // null: of no fleet
    std::uint64_t version = 0;
  };
  enum class Deed { kEndSession, kBecomeReady };
  struct Due {
    std::size_t place;
    std::string name;  // of who must still be there
    Deed deed;
  };

  Group* group_of(const GameServer& server);
  std::size_t empty_place();
  void add_server(Group& group);
  void vacate(std::size_t place);
  void bring_to_size(Group& group);
  void autoscale(Clock::time_point now);
  void note_fleet(const Group& group, const std::string& what);
  void put(std::size_t place, GameServer server);
  void touch(std::size_t place) { places_[place].version = ++version_; }
  std::vector<const GameServer*> servers() const;
  void note_none_left(const allocation::AllocationRequest& request);
  void note(FleetEvent::Kind kind, const GameServer& server, const std::string& detail = {});
  void do_what_is_due(Clock::time_point now);
  void replace(std::size_t place);
  void note_decision(const allocation::AllocationRequest& request, const Decision& decision);
  std::vector<Decision> decide_batch_locked(const std::vector<Errand>& errands);
  Decision decide_locked(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);

  mutable std::mutex mutex_;
  const Life life_;
  const bool decides_batches_;
  Allocator allocator_;
  ServerMaker maker_;
  std::vector<Place> places_;
  std::vector<std::size_t> empty_;                               // places
  std::map<std::pair<std::string, std::string>, Group> groups_;  // by namespace and name
  std::multimap<Clock::time_point, Due> due_;
  std::deque<FleetEvent> events_;
  std::uint64_t version_ = 0;
  Clock::time_point next_explanation_{};
  Clock::time_point next_autoscale_ = Clock::time_point::max();
};

// `count` ready game servers of fleet "local" in namespace "default".
std::vector<GameServer> make_servers(std::size_t count);

}  // namespace agones::local
