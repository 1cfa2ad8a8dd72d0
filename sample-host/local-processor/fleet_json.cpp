// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>

#include "local-processor/fleet_file.h"

namespace agones::local {

namespace {

using nlohmann::json;

// A fleet is made in memory, whatever its file asks for.
constexpr std::size_t kMostServers = 10'000'000;

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

// A whole number that the type can hold; nlohmann would convert any other as C++ does.
template <typename T>
bool is_whole(const json& value) {
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  }
  return value.is_number_integer() &&
         value.get<std::int64_t>() >= static_cast<std::int64_t>(std::numeric_limits<T>::min());
}

template <typename T>
T member(const json& object, const std::string& where, const char* name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return otherwise;
  }
  try {
    if constexpr (std::is_integral_v<T>) {
      if (!is_whole<T>(*found)) {
        throw std::runtime_error(where + "." + name + ": wrong type");
      }
    }
    return found->get<T>();
  } catch (const json::exception&) {
    throw std::runtime_error(where + "." + name + ": wrong type");
  }
}

std::vector<GameServer::Port> read_ports(const json& object, const std::string& where) {
  std::vector<GameServer::Port> ports;
  for (const auto& [name, port] : member<std::map<std::string, json>>(object, where, "ports", {{"default", 7000}})) {
    if (!is_whole<std::uint16_t>(port) || port == 0) {
      throw std::runtime_error(where + ".ports." + name + ": not a port");
    }
    ports.push_back({name, port.get<std::uint16_t>()});
  }
  return ports;
}

std::map<std::string, Counter> read_counters(const json& object, const std::string& where) {
  std::map<std::string, Counter> counters;
  for (const auto& [name, counter] : member<std::map<std::string, json>>(object, where, "counters", {})) {
    const std::string here = where + ".counters." + name;
    check_members(counter, here, {"count", "capacity"});
    counters[name] = {member<std::int64_t>(counter, here, "count", 0),
                      member<std::int64_t>(counter, here, "capacity", 0)};
  }
  return counters;
}

std::map<std::string, List> read_lists(const json& object, const std::string& where) {
  std::map<std::string, List> lists;
  for (const auto& [name, list] : member<std::map<std::string, json>>(object, where, "lists", {})) {
    const std::string here = where + ".lists." + name;
    check_members(list, here, {"values", "capacity"});
    lists[name] = {member<std::vector<std::string>>(list, here, "values", {}),
                   member<std::int64_t>(list, here, "capacity", 0)};
  }
  return lists;
}

constexpr std::initializer_list<const char*> kOfAServer = {"name", "namespace", "labels", "annotations", "address",
                                                           "node", "ports",     "state",  "counters",    "lists"};
constexpr std::initializer_list<const char*> kOfAFleet = {"fleet",  "replicas",    "serversPerNode", "namespace",
                                                          "labels", "annotations", "address",        "node",
                                                          "ports",  "state",       "counters",       "lists"};

GameServer read_server(const json& object, const std::string& where) {
  GameServer server;
  server.space = member<std::string>(object, where, "namespace", "default");
  server.labels = member<Labels>(object, where, "labels", {});
  server.annotations = member<Labels>(object, where, "annotations", {});
  server.address = member<std::string>(object, where, "address", "127.0.0.1");
  server.addresses = {{"InternalIP", server.address}};
  server.node = member<std::string>(object, where, "node", "node-1");
  server.ports = read_ports(object, where);
  server.counters = read_counters(object, where);
  server.lists = read_lists(object, where);
  const auto state = member<std::string>(object, where, "state", "Ready");
  if (!state_named(state)) {
    throw std::runtime_error(where + ".state: '" + state +
                             "' is no state of a game server, such as Ready or Allocated");
  }
  server.state = *state_named(state);
  return server;
}

// A fleet is many alike servers.
void add_fleet(const json& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where, kOfAFleet);
  const auto fleet = member<std::string>(object, where, "fleet", "");
  const auto replicas = member<std::uint32_t>(object, where, "replicas", 1);
  const auto per_node = member<std::uint32_t>(object, where, "serversPerNode", 0);
  if (fleet.empty()) {
    throw std::runtime_error(where + ".fleet: missing");
  }
  if (servers.size() + replicas > kMostServers) {
    throw std::runtime_error(where + ".replicas: more than " + std::to_string(kMostServers) + " game servers");
  }
  GameServer server = read_server(object, where);
  const std::string node = server.node;
  server.labels["agones.dev/fleet"] = fleet;
  for (std::uint32_t i = 0; i < replicas; ++i) {
    server.name = fleet + "-" + std::to_string(i + 1);
    if (per_node > 0) {
      server.node = node + "-" + std::to_string(i / per_node + 1);
    }
    servers.push_back(server);
  }
}

void add_server(const json& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where, kOfAServer);
  GameServer server = read_server(object, where);
  server.name = member<std::string>(object, where, "name", "");
  if (server.name.empty()) {
    throw std::runtime_error(where + ".name: missing");
  }
  servers.push_back(std::move(server));
}

Policy read_policy(const json& object, const std::string& where) {
  check_members(object, where,
                {"name", "namespace", "labels", "priority", "weight", "clusterName", "allocationEndpoints",
                 "secretName", "targetNamespace"});
  Policy policy;
  policy.name = member<std::string>(object, where, "name", "");
  policy.space = member<std::string>(object, where, "namespace", "default");
  policy.labels = member<Labels>(object, where, "labels", {});
  policy.priority = member<std::int32_t>(object, where, "priority", 1);
  policy.weight = member<std::int32_t>(object, where, "weight", 100);
  policy.cluster = member<std::string>(object, where, "clusterName", "");
  policy.endpoints = member<std::vector<std::string>>(object, where, "allocationEndpoints", {});
  policy.secret = member<std::string>(object, where, "secretName", "");
  policy.target_space = member<std::string>(object, where, "targetNamespace", policy.space);
  return policy;
}

}  // namespace

FleetFile read_fleet_json(const std::string& text) {
  const json root = json::parse(text);
  check_members(root, "the file", {"gameServers", "policies"});
  FleetFile file;
  std::size_t index = 0;
  for (const json& entry : member<std::vector<json>>(root, "the file", "gameServers", {})) {
    const std::string where = "gameServers[" + std::to_string(index++) + "]";
    (entry.contains("fleet") ? add_fleet : add_server)(entry, where, file.servers);
  }
  index = 0;
  for (const json& entry : member<std::vector<json>>(root, "the file", "policies", {})) {
    file.policies.push_back(read_policy(entry, "policies[" + std::to_string(index++) + "]"));
  }
  if (file.servers.empty()) {
    throw std::runtime_error("gameServers: empty");
  }
  return file;
}

}  // namespace agones::local
