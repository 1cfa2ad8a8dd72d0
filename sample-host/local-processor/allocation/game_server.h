// SPDX-License-Identifier: Apache-2.0
// A game server as the processor sees it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace agones::local {

enum class GameServerState {
  kPortAllocation,
  kCreating,
  kStarting,
  kScheduled,
  kRequestReady,
  kReady,
  kShutdown,
  kError,
  kUnhealthy,
  kReserved,
  kAllocated,
};

struct Counter {
  std::int64_t count = 0;
  std::int64_t capacity = 0;

  bool operator==(const Counter& other) const { return count == other.count && capacity == other.capacity; }
  bool operator<(const Counter& other) const {
    return std::tie(count, capacity) < std::tie(other.count, other.capacity);
  }
};

struct List {
  std::vector<std::string> values;
  std::int64_t capacity = 0;

  bool operator==(const List& other) const { return values == other.values && capacity == other.capacity; }
  bool operator<(const List& other) const {
    return std::tie(values, capacity) < std::tie(other.values, other.capacity);
  }
};

using Labels = std::map<std::string, std::string>;

// Its value is the fleet's name.
inline constexpr char kFleetLabel[] = "agones.dev/fleet";

struct GameServer {
  struct Port {
    std::string name;
    std::int32_t port = 0;
  };
  struct Address {
    std::string type;
    std::string address;
  };

  std::string name;
  std::string space = "default";  // its namespace
  Labels labels;
  Labels annotations;
  std::string address;
  std::vector<Address> addresses;
  std::string node;
  std::vector<Port> ports;
  std::map<std::string, Counter> counters;
  std::map<std::string, List> lists;
  GameServerState state = GameServerState::kReady;
  bool deleting = false;
};

// "RequestReady", as Agones spells it.
const char* name_of(GameServerState state);
std::optional<GameServerState> state_named(std::string_view name);

}  // namespace agones::local
