// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "local-processor/fleet.h"

namespace agones::local {

namespace {

using nlohmann::json;

void check_members(const json& object, const std::string& where, std::initializer_list<const char*> known) {
  if (!object.is_object()) {
    throw std::runtime_error(where + ": expected an object");
  }
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw std::runtime_error(where + "." + name + ": unknown member");
    }
  }
}

template <typename T>
T member(const json& object, const std::string& where, const char* name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return otherwise;
  }
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw std::runtime_error(where + "." + name + ": wrong type");
  }
}

std::vector<GameServer::Port> read_ports(const json& object, const std::string& where) {
  std::vector<GameServer::Port> ports;
  for (const auto& [name, port] : member<std::map<std::string, int>>(object, where, "ports", {{"default", 7000}})) {
    if (port < 1 || port > 65535) {
      throw std::runtime_error(where + ".ports." + name + ": not a port");
    }
    ports.push_back({name, port});
  }
  return ports;
}

GameServer read_server(const json& object, const std::string& where) {
  GameServer server;
  server.space = member<std::string>(object, where, "namespace", "default");
  server.labels = member<std::map<std::string, std::string>>(object, where, "labels", {});
  server.annotations = member<std::map<std::string, std::string>>(object, where, "annotations", {});
  server.address = member<std::string>(object, where, "address", "127.0.0.1");
  server.node = member<std::string>(object, where, "node", "node-1");
  server.ports = read_ports(object, where);
  const auto state = member<std::string>(object, where, "state", "Ready");
  if (state != "Ready" && state != "Allocated") {
    throw std::runtime_error(where + ".state: neither Ready nor Allocated");
  }
  server.state = state == "Ready" ? GameServerState::kReady : GameServerState::kAllocated;
  return server;
}

// A fleet is many alike servers.
void add_fleet(const json& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where,
                {"fleet", "replicas", "namespace", "labels", "annotations", "address", "node", "ports", "state"});
  const auto fleet = member<std::string>(object, where, "fleet", "");
  const auto replicas = member<std::uint32_t>(object, where, "replicas", 1);
  if (fleet.empty()) {
    throw std::runtime_error(where + ".fleet: missing");
  }
  GameServer server = read_server(object, where);
  server.labels["agones.dev/fleet"] = fleet;
  for (std::uint32_t i = 1; i <= replicas; ++i) {
    server.name = fleet + "-" + std::to_string(i);
    servers.push_back(server);
  }
}

void add_server(const json& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where, {"name", "namespace", "labels", "annotations", "address", "node", "ports", "state"});
  GameServer server = read_server(object, where);
  server.name = member<std::string>(object, where, "name", "");
  if (server.name.empty()) {
    throw std::runtime_error(where + ".name: missing");
  }
  servers.push_back(std::move(server));
}

void check_names(const std::vector<GameServer>& servers) {
  std::set<std::string> names;
  for (const GameServer& server : servers) {
    if (!names.insert(server.space + "/" + server.name).second) {
      throw std::runtime_error("two game servers are called " + server.space + "/" + server.name);
    }
  }
}

}  // namespace

std::vector<GameServer> read_fleet_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read the fleet file '" + path + "'");
  }
  try {
    const json root = json::parse(file);
    check_members(root, "the file", {"gameServers"});
    std::vector<GameServer> servers;
    std::size_t index = 0;
    for (const json& entry : root.value("gameServers", json::array())) {
      const std::string where = "gameServers[" + std::to_string(index++) + "]";
      (entry.contains("fleet") ? add_fleet : add_server)(entry, where, servers);
    }
    if (servers.empty()) {
      throw std::runtime_error("gameServers: empty");
    }
    check_names(servers);
    return servers;
  } catch (const std::exception& error) {
    throw std::runtime_error("fleet file '" + path + "': " + error.what());
  }
}

}  // namespace agones::local
