// SPDX-License-Identifier: Apache-2.0
// This project's format, as in fleet.example.json.
#include <algorithm>
#include <initializer_list>

#include "local-processor/fleet_formats.h"
#include "manifest/members.h"

namespace agones::local {

namespace {

using namespace manifest;

void check_members(const Tree& object, const std::string& where, std::initializer_list<const char*> known) {
  if (!object.is_object()) {
    fail(where, "expected an object");
  }
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fail(where + "." + name, "unknown member");
    }
  }
}

std::vector<GameServer::Port> read_ports(const Tree& object, const std::string& where) {
  if (find(object, where, "ports") == nullptr) {
    return {{"default", 7000}};
  }
  std::vector<GameServer::Port> ports;
  for (const auto& [name, port] : object_at(object, where, "ports").items()) {
    if (!port.is_number_unsigned() || port == 0 || port > UINT16_MAX) {
      fail(where + ".ports." + name, "not a port");
    }
    ports.push_back({name, port.get<std::uint16_t>()});
  }
  return ports;
}

std::map<std::string, Counter> read_counters(const Tree& object, const std::string& where) {
  std::map<std::string, Counter> counters;
  for (const auto& [name, counter] : object_at(object, where, "counters").items()) {
    const std::string here = where + ".counters." + name;
    check_members(counter, here, {"count", "capacity"});
    counters[name] = {member<std::int64_t>(counter, here, "count", 0),
                      member<std::int64_t>(counter, here, "capacity", 0)};
  }
  return counters;
}

std::map<std::string, List> read_lists(const Tree& object, const std::string& where) {
  std::map<std::string, List> lists;
  for (const auto& [name, list] : object_at(object, where, "lists").items()) {
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

GameServer read_server(const Tree& object, const std::string& where) {
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
    fail(where + ".state", "'" + state + "' is no state of a game server, such as Ready or Allocated");
  }
  server.state = *state_named(state);
  return server;
}

// A fleet is many alike servers.
void add_fleet(const Tree& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where, kOfAFleet);
  const auto fleet = member<std::string>(object, where, "fleet", "");
  const auto replicas = member<std::uint32_t>(object, where, "replicas", 1);
  const auto per_node = member<std::uint32_t>(object, where, "serversPerNode", 0);
  if (fleet.empty()) {
    fail(where + ".fleet", "missing");
  }
  check_room_for(replicas, servers, where + ".replicas");
  GameServer server = read_server(object, where);
  const std::string node = server.node;
  server.labels[kFleetLabel] = fleet;
  for (std::uint32_t i = 0; i < replicas; ++i) {
    server.name = fleet + "-" + std::to_string(i + 1);
    if (per_node > 0) {
      server.node = node + "-" + std::to_string(i / per_node + 1);
    }
    servers.push_back(server);
  }
}

void add_server(const Tree& object, const std::string& where, std::vector<GameServer>& servers) {
  check_members(object, where, kOfAServer);
  GameServer server = read_server(object, where);
  server.name = member<std::string>(object, where, "name", "");
  if (server.name.empty()) {
    fail(where + ".name", "missing");
  }
  servers.push_back(std::move(server));
}

Policy read_policy(const Tree& object, const std::string& where) {
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

void add_own_format(const Tree& root, FleetFile& file) {
  check_members(root, "the file", {"gameServers", "policies"});
  std::size_t index = 0;
  for (const Tree& entry : array_at(root, "the file", "gameServers")) {
    const std::string where = "gameServers[" + std::to_string(index++) + "]";
    (entry.contains("fleet") ? add_fleet : add_server)(entry, where, file.servers);
  }
  if (index == 0) {
    fail("gameServers", "empty");
  }
  index = 0;
  for (const Tree& entry : array_at(root, "the file", "policies")) {
    file.policies.push_back(read_policy(entry, "policies[" + std::to_string(index++) + "]"));
  }
}

}  // namespace agones::local
