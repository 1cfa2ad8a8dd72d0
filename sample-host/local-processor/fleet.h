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
#include <random>
#include <string>
#include <vector>

#include "local-processor/allocation/allocator.h"
#include "local-processor/allocation/game_server.h"

namespace agones::local {

// How game servers live: ready -> allocated -> gone, and another of the same kind in its place.
struct Life {
  std::chrono::milliseconds session{0};  // from the allocation to the end; 0: until end_session()
  std::chrono::milliseconds start{0};    // that a new one takes to become ready
};

// A game server, or the one in its place.
struct Cell {
  std::uint32_t number = 0;  // the place
  GameServer server;
};

struct FleetEvent {
  enum class Kind { kAllocated, kSessionEnded, kReady, kWarning };

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
  explicit Fleet(std::vector<GameServer> servers, Rules rules = {}, Life life = {}, std::uint32_t seed = 1);

  // To be called before the requests of a batch: they share a list of candidates.
  void begin_list();
  // `response`, which is empty, is written if a game server was allocated.
  AllocationResult allocate(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);
  // In two steps, for whoever takes time to write: nobody else gets the server until settle().
  Decision decide(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);
  void settle(const std::shared_ptr<Candidate>& allocated);
  // Each write's fate; called with the fleet's lock held.
  void set_writes(std::function<Write()> fate);

  // The allocated game server is gone, and another in its place; false if there is none of that name.
  bool end_session(const std::string& space, const std::string& name);

  std::size_t size() const;
  std::map<GameServerState, std::size_t> states() const;
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
  struct Place {
    const Candidate* server = nullptr;
    std::shared_ptr<const Birth> birth;  // alike ones share it
    std::uint64_t version = 0;
  };
  enum class Deed { kEndSession, kBecomeReady };
  struct Due {
    std::size_t place;
    std::string name;  // of who must still be there
    Deed deed;
  };

  void put(std::size_t place, GameServer server);
  void touch(std::size_t place) { places_[place].version = ++version_; }
  void note(FleetEvent::Kind kind, const GameServer& server, const std::string& detail = {});
  void do_what_is_due(Clock::time_point now);
  void replace(std::size_t place);
  std::string new_name(const std::string& space, const std::string& old_name);
  Decision decide_locked(const allocation::AllocationRequest& request, allocation::AllocationResponse& response);

  mutable std::mutex mutex_;
  const Life life_;
  Allocator allocator_;
  std::mt19937 random_;
  std::vector<Place> places_;
  std::multimap<Clock::time_point, Due> due_;
  std::deque<FleetEvent> events_;
  std::uint64_t version_ = 0;
};

// `count` ready game servers of fleet "local" in namespace "default".
std::vector<GameServer> make_servers(std::size_t count);

}  // namespace agones::local
