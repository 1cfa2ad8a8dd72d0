// SPDX-License-Identifier: Apache-2.0
// An in-memory fleet of game servers: what the allocation processor has in a cluster. Thread-safe.
#pragma once

#include <allocation/allocation.pb.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace agones::local {

enum class GameServerState { kReady, kAllocated };

struct GameServer {
  std::string name;
  std::string space = "default";  // its namespace
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string address;
  std::string node;
  struct Port {
    std::string name;
    std::int32_t port;
  };
  std::vector<Port> ports;
  GameServerState state = GameServerState::kReady;
};

// How an allocation ended: a gRPC status code and its text, or a response.
struct AllocationResult {
  int code = 0;
  std::string message;
  allocation::AllocationResponse response;
};

class Fleet {
 public:
  explicit Fleet(std::vector<GameServer> servers);

  // Servers that were allocated so long ago become ready again by themselves; zero: never.
  void return_after(std::chrono::milliseconds time);

  // The first game server, by selector and then by age in the fleet, that matches.
  AllocationResult allocate(const allocation::AllocationRequest& request);
  // Makes an allocated game server ready again; false if there is none of that name.
  bool give_back(const std::string& space, const std::string& name);

  std::size_t size() const { return servers_.size(); }
  std::size_t ready() const;

 private:
  using Clock = std::chrono::steady_clock;

  void return_due(Clock::time_point now);
  void make_ready(std::size_t index);
  AllocationResult take(std::size_t index, const allocation::MetaPatch& patch);

  mutable std::mutex mutex_;
  std::vector<GameServer> servers_;
  std::unordered_map<std::string, std::size_t> by_name_;  // "namespace/name"
  std::set<std::size_t> ready_;
  std::set<std::size_t> allocated_;
  std::chrono::milliseconds return_after_{0};
  std::deque<std::pair<Clock::time_point, std::size_t>> due_;
};

// `count` ready game servers of fleet "local" in namespace "default".
std::vector<GameServer> make_servers(std::size_t count);

// Reads a fleet file (see sample-host/local-processor/fleet.example.json). Throws std::runtime_error that
// names the file and what is wrong in it.
std::vector<GameServer> read_fleet_file(const std::string& path);

}  // namespace agones::local
