// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet.h"

#include <grpcpp/support/status.h>

#include <algorithm>

#include "local-processor/selector.h"

// Old clients still send the deprecated fields.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace agones::local {

namespace {

using allocation::AllocationRequest;
using allocation::GameServerSelector;

std::string key_of(const std::string& space, const std::string& name) {
  return space + "/" + name;
}

// The selectors in the order in which they are tried: the present field, else the deprecated ones.
std::vector<const GameServerSelector*> selectors_of(const AllocationRequest& request) {
  std::vector<const GameServerSelector*> selectors;
  for (const auto& selector : request.gameserverselectors()) {
    selectors.push_back(&selector);
  }
  if (!selectors.empty()) {
    return selectors;
  }
  for (const auto& selector : request.preferredgameserverselectors()) {
    selectors.push_back(&selector);
  }
  // The default instance asks for any ready game server.
  selectors.push_back(&request.requiredgameserverselector());
  return selectors;
}

}  // namespace

Fleet::Fleet(std::vector<GameServer> servers) : servers_(std::move(servers)) {
  for (std::size_t index = 0; index < servers_.size(); ++index) {
    by_name_.emplace(key_of(servers_[index].space, servers_[index].name), index);
    (servers_[index].state == GameServerState::kReady ? ready_ : allocated_).insert(index);
  }
}

void Fleet::return_after(std::chrono::milliseconds time) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return_after_ = time;
}

std::size_t Fleet::ready() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ready_.size();
}

void Fleet::return_due(Clock::time_point now) {
  while (!due_.empty() && due_.front().first <= now) {
    make_ready(due_.front().second);
    due_.pop_front();
  }
}

void Fleet::make_ready(std::size_t index) {
  servers_[index].state = GameServerState::kReady;
  allocated_.erase(index);
  ready_.insert(index);
}

bool Fleet::give_back(const std::string& space, const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_name_.find(key_of(space, name));
  if (found == by_name_.end() || servers_[found->second].state != GameServerState::kAllocated) {
    return false;
  }
  make_ready(found->second);
  return true;
}

AllocationResult Fleet::allocate(const AllocationRequest& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return_due(Clock::now());
  for (const GameServerSelector* selector : selectors_of(request)) {
    const bool wants_ready = selector->gameserverstate() == GameServerSelector::READY;
    for (const std::size_t index : wants_ready ? ready_ : allocated_) {
      const GameServer& server = servers_[index];
      if (server.space == request.namespace_() && matches(*selector, server)) {
        return take(index, request.has_metadata() ? request.metadata() : request.metapatch());
      }
    }
  }
  AllocationResult none;
  none.code = grpc::StatusCode::RESOURCE_EXHAUSTED;
  none.message = "there is no available GameServer to allocate";
  return none;
}

AllocationResult Fleet::take(std::size_t index, const allocation::MetaPatch& patch) {
  GameServer& server = servers_[index];
  for (const auto& [key, value] : patch.labels()) {
    server.labels[key] = value;
  }
  for (const auto& [key, value] : patch.annotations()) {
    server.annotations[key] = value;
  }
  if (server.state == GameServerState::kReady) {
    server.state = GameServerState::kAllocated;
    ready_.erase(index);
    allocated_.insert(index);
    if (return_after_.count() > 0) {
      due_.emplace_back(Clock::now() + return_after_, index);
    }
  }
  AllocationResult result;
  result.response.set_gameservername(server.name);
  result.response.set_address(server.address);
  result.response.set_nodename(server.node);
  result.response.set_source("local");
  for (const GameServer::Port& port : server.ports) {
    auto* added = result.response.add_ports();
    added->set_name(port.name);
    added->set_port(port.port);
  }
  auto* address = result.response.add_addresses();
  address->set_type("InternalIP");
  address->set_address(server.address);
  auto* metadata = result.response.mutable_metadata();
  metadata->mutable_labels()->insert(server.labels.begin(), server.labels.end());
  metadata->mutable_annotations()->insert(server.annotations.begin(), server.annotations.end());
  return result;
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
    server.node = "node-" + std::to_string(node + 1);
    server.ports.push_back({"default", static_cast<std::int32_t>(7000 + i % kPerNode)});
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace agones::local
