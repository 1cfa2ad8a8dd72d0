// SPDX-License-Identifier: Apache-2.0
// Objects as Kubernetes prints them: GameServers and GameServerAllocationPolicies, single or in lists.
#include "local-processor/fleet_formats.h"
#include "manifest/members.h"

namespace agones::local {

namespace {

using namespace manifest;

std::string name_from(const Tree& metadata, const std::string& where) {
  auto name = member<std::string>(metadata, where, "name", "");
  if (name.empty()) {
    fail(where + ".name", "missing");
  }
  return name;
}

GameServer read_game_server(const Tree& object, const std::string& where) {
  const std::string in_metadata = where + ".metadata";
  const std::string in_status = where + ".status";
  const Tree& metadata = object_at(object, where, "metadata");
  const Tree& status = object_at(object, where, "status");
  GameServer server;
  server.name = name_from(metadata, in_metadata);
  server.space = member<std::string>(metadata, in_metadata, "namespace", "default");
  server.labels = member<Labels>(metadata, in_metadata, "labels", {});
  server.annotations = member<Labels>(metadata, in_metadata, "annotations", {});
  server.deleting = !member<std::string>(metadata, in_metadata, "deletionTimestamp", "").empty();
  const auto state = member<std::string>(status, in_status, "state", "");
  if (!state_named(state)) {
    fail(in_status + ".state", state.empty() ? "missing" : "unknown '" + state + "'");
  }
  server.state = *state_named(state);
  server.address = member<std::string>(status, in_status, "address", "");
  server.node = member<std::string>(status, in_status, "nodeName", "");
  for (const Tree& address : array_at(status, in_status, "addresses")) {
    server.addresses.push_back({member<std::string>(address, in_status + ".addresses", "type", ""),
                                member<std::string>(address, in_status + ".addresses", "address", "")});
  }
  for (const Tree& port : array_at(status, in_status, "ports")) {
    server.ports.push_back({member<std::string>(port, in_status + ".ports", "name", ""),
                            member<std::int32_t>(port, in_status + ".ports", "port", 0)});
  }
  for (const auto& [name, counter] : object_at(status, in_status, "counters").items()) {
    const std::string here = in_status + ".counters." + name;
    server.counters[name] = {member<std::int64_t>(counter, here, "count", 0),
                             member<std::int64_t>(counter, here, "capacity", 0)};
  }
  for (const auto& [name, list] : object_at(status, in_status, "lists").items()) {
    const std::string here = in_status + ".lists." + name;
    server.lists[name] = {member<std::vector<std::string>>(list, here, "values", {}),
                          member<std::int64_t>(list, here, "capacity", 0)};
  }
  return server;
}

Policy read_policy(const Tree& object, const std::string& where) {
  const Tree& metadata = object_at(object, where, "metadata");
  const Tree& spec = object_at(object, where, "spec");
  const std::string in_connection = where + ".spec.connectionInfo";
  const Tree& connection = object_at(spec, where + ".spec", "connectionInfo");
  Policy policy;
  policy.name = name_from(metadata, where + ".metadata");
  policy.space = member<std::string>(metadata, where + ".metadata", "namespace", "default");
  policy.labels = member<Labels>(metadata, where + ".metadata", "labels", {});
  policy.priority = member<std::int32_t>(spec, where + ".spec", "priority", 0);
  policy.weight = member<std::int32_t>(spec, where + ".spec", "weight", 0);
  policy.cluster = member<std::string>(connection, in_connection, "clusterName", "");
  policy.endpoints = member<std::vector<std::string>>(connection, in_connection, "allocationEndpoints", {});
  policy.secret = member<std::string>(connection, in_connection, "secretName", "");
  policy.target_space = member<std::string>(connection, in_connection, "namespace", "");
  return policy;
}

bool is_list(const std::string& kind) {
  return kind == "List" || kind == "GameServerList" || kind == "GameServerAllocationPolicyList";
}

}  // namespace

void add_object(const Tree& object, const std::string& where, FleetFile& file) {
  const auto kind = member<std::string>(object, where, "kind", "");
  if (is_list(kind)) {
    std::size_t index = 0;
    for (const Tree& item : array_at(object, where, "items")) {
      add_object(item, where + ".items[" + std::to_string(index++) + "]", file);
    }
  } else if (kind == "GameServer") {
    file.servers.push_back(read_game_server(object, where));
  } else if (kind == "GameServerAllocationPolicy") {
    file.policies.push_back(read_policy(object, where));
  } else {
    fail(where + ".kind",
         kind.empty() ? "missing" : "'" + kind + "' is neither GameServer nor GameServerAllocationPolicy");
  }
}

}  // namespace agones::local
