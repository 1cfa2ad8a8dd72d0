// SPDX-License-Identifier: Apache-2.0
// What game servers are made from: a Fleet's template, or a GameServer that has no status yet. No threads, no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "local-processor/allocation/conversion.h"
#include "local-processor/allocation/game_server.h"

namespace agones::local {

struct PortRule {
  enum class Policy { kAssigned, kFixed };

  std::string name;
  Policy policy = Policy::kAssigned;
  std::int32_t port = 0;  // a fixed one

  bool operator==(const PortRule& other) const {
    return name == other.name && policy == other.policy && port == other.port;
  }
};

struct Template {
  GameServer server;  // namespace, labels, annotations, counters, lists
  std::vector<PortRule> ports;
  Scheduling scheduling = Scheduling::kPacked;

  bool operator==(const Template& other) const {
    return server.space == other.server.space && server.labels == other.server.labels &&
           server.annotations == other.server.annotations && server.counters == other.server.counters &&
           server.lists == other.server.lists && ports == other.ports && scheduling == other.scheduling;
  }
};

// A FleetAutoscaler's buffer policy: so many servers that are not allocated.
struct Autoscaler {
  std::uint32_t buffer = 0;
  bool is_percentage = false;  // of all servers
  std::uint32_t least = 0;     // replicas
  std::uint32_t most = 0;
  std::chrono::seconds interval{30};

  std::uint32_t replicas_for(std::size_t allocated) const;
};

struct FleetSpec {
  std::string name;
  Template of_servers;
  std::uint32_t replicas = 0;
  std::optional<Autoscaler> autoscaler;
};

// Gives game servers names, nodes and ports, as a cluster does: 100 on a node; Packed fills one node after the other, Distributed takes
// ten in turn.
class ServerMaker {
 public:
  explicit ServerMaker(std::uint32_t seed) : random_(seed) {}

  // Its place on its node, its port and its name are taken.
  void know(const GameServer& server);
  void forget(const GameServer& server);

  // A new name that begins so.
  std::string name_from(const std::string& space, const std::string& prefix);
  // Ready; `name` must be new.
  GameServer make(const Template& of, const std::string& name);
  // As the GameServerSets of Agones name them: "FLEET-xxxxx-".
  std::string prefix_of_fleet(const std::string& fleet);

 private:
  std::string letters();
  std::size_t node_for(Scheduling scheduling);
  std::int32_t free_port(const std::string& node);

  std::mt19937 random_;
  std::set<std::pair<std::string, std::string>> names_;  // namespace, name
  std::unordered_map<std::string, std::size_t> on_node_;
  std::unordered_map<std::string, std::set<std::int32_t>> ports_;  // by node
  std::size_t full_ = 0;                                           // so many nodes from the first on have no room
  std::size_t next_in_turn_ = 0;
};

}  // namespace agones::local
