// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_template.h"

#include <algorithm>

namespace agones::local {

namespace {

constexpr std::size_t kPerNode = 100;
constexpr std::size_t kNodesInTurn = 10;
constexpr std::int32_t kFirstPort = 7000;

std::string node_named(std::size_t number) {
  return "node-" + std::to_string(number + 1);
}

std::string address_of(std::size_t node) {
  return "10." + std::to_string(node / 65536 % 256) + "." + std::to_string(node / 256 % 256) + "." +
         std::to_string(node % 256);
}

}  // namespace

std::uint32_t Autoscaler::replicas_for(std::size_t allocated) const {
  std::uint64_t wanted = allocated + buffer;
  if (is_percentage) {
    // So many that what is left of them, without the buffer, is what is allocated.
    const std::uint64_t left = 100 - buffer;
    wanted = (allocated * 100 + left - 1) / left;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::max<std::uint64_t>(wanted, least), most));
}

void ServerMaker::know(const GameServer& server) {
  names_.insert({server.space, server.name});
  ++on_node_[server.node];
  for (const GameServer::Port& port : server.ports) {
    ports_[server.node].insert(port.port);
  }
}

void ServerMaker::forget(const GameServer& server) {
  names_.erase({server.space, server.name});
  --on_node_[server.node];
  full_ = 0;
  for (const GameServer::Port& port : server.ports) {
    ports_[server.node].erase(port.port);
  }
}

// As Kubernetes takes them: without vowels, and without digits that look like letters.
std::string ServerMaker::letters() {
  constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::uniform_int_distribution<std::size_t> letter(0, sizeof(kLetters) - 2);
  std::string text;
  for (int i = 0; i < 5; ++i) {
    text += kLetters[letter(random_)];
  }
  return text;
}

std::string ServerMaker::name_from(const std::string& space, const std::string& prefix) {
  std::string name;
  do {
    name = prefix + letters();
  } while (names_.count({space, name}) > 0);
  return name;
}

std::string ServerMaker::prefix_of_fleet(const std::string& fleet) {
  return fleet + "-" + letters() + "-";
}

std::size_t ServerMaker::node_for(Scheduling scheduling) {
  const auto is_full = [this](std::size_t node) {
    const auto found = on_node_.find(node_named(node));
    return found != on_node_.end() && found->second >= kPerNode;
  };
  if (scheduling == Scheduling::kPacked) {
    while (is_full(full_)) {
      ++full_;
    }
    return full_;
  }
  std::size_t node = next_in_turn_++ % kNodesInTurn;
  while (is_full(node)) {
    node += kNodesInTurn;
  }
  return node;
}

std::int32_t ServerMaker::free_port(const std::string& node) {
  std::int32_t port = kFirstPort;
  for (const std::int32_t taken : ports_[node]) {
    if (taken > port) {
      break;
    }
    port = std::max(port, taken + 1);
  }
  return port;
}

GameServer ServerMaker::make(const Template& of, const std::string& name) {
  GameServer server = of.server;
  server.name = name;
  server.state = GameServerState::kReady;
  const std::size_t node = node_for(of.scheduling);
  server.node = node_named(node);
  server.address = address_of(node);
  server.addresses = {{"InternalIP", server.address}};
  server.ports.clear();
  for (const PortRule& rule : of.ports) {
    const std::int32_t port = rule.policy == PortRule::Policy::kFixed ? rule.port : free_port(server.node);
    ports_[server.node].insert(port);
    server.ports.push_back({rule.name, port});
  }
  know(server);
  return server;
}

}  // namespace agones::local
