// SPDX-License-Identifier: Apache-2.0
// Objects as Kubernetes prints them: GameServers and GameServerAllocationPolicies, single, in lists, or several documents.
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <stdexcept>

#include "local-processor/fleet_file.h"

namespace agones::local {

namespace {

template <typename T>
T member(const YAML::Node& object, const std::string& where, const char* name, T otherwise) {
  if (object.IsDefined() && !object.IsNull() && !object.IsMap()) {
    throw std::runtime_error(where + ": expected a mapping");
  }
  const YAML::Node found = object.IsMap() ? object[name] : YAML::Node(YAML::NodeType::Undefined);
  if (!found.IsDefined() || found.IsNull()) {
    return otherwise;
  }
  try {
    return found.as<T>();
  } catch (const YAML::Exception&) {
    throw std::runtime_error(where + "." + name + ": wrong type");
  }
}

YAML::Node part(const YAML::Node& object, const std::string& where, const char* name) {
  return member<YAML::Node>(object, where, name, YAML::Node(YAML::NodeType::Map));
}

std::vector<YAML::Node> parts(const YAML::Node& object, const std::string& where, const char* name) {
  return member<std::vector<YAML::Node>>(object, where, name, {});
}

std::string name_from(const YAML::Node& metadata, const std::string& where) {
  auto name = member<std::string>(metadata, where, "name", "");
  if (name.empty()) {
    throw std::runtime_error(where + ".name: missing");
  }
  return name;
}

GameServer read_game_server(const YAML::Node& object, const std::string& where) {
  const std::string in_metadata = where + ".metadata";
  const std::string in_status = where + ".status";
  const YAML::Node metadata = part(object, where, "metadata");
  const YAML::Node status = part(object, where, "status");
  GameServer server;
  server.name = name_from(metadata, in_metadata);
  server.space = member<std::string>(metadata, in_metadata, "namespace", "default");
  server.labels = member<Labels>(metadata, in_metadata, "labels", {});
  server.annotations = member<Labels>(metadata, in_metadata, "annotations", {});
  server.deleting = !member<std::string>(metadata, in_metadata, "deletionTimestamp", "").empty();
  const auto state = member<std::string>(status, in_status, "state", "");
  if (!state_named(state)) {
    throw std::runtime_error(in_status + ".state: " + (state.empty() ? "missing" : "unknown '" + state + "'"));
  }
  server.state = *state_named(state);
  server.address = member<std::string>(status, in_status, "address", "");
  server.node = member<std::string>(status, in_status, "nodeName", "");
  for (const YAML::Node& address : parts(status, in_status, "addresses")) {
    server.addresses.push_back({member<std::string>(address, in_status + ".addresses", "type", ""),
                                member<std::string>(address, in_status + ".addresses", "address", "")});
  }
  for (const YAML::Node& port : parts(status, in_status, "ports")) {
    server.ports.push_back({member<std::string>(port, in_status + ".ports", "name", ""),
                            member<std::int32_t>(port, in_status + ".ports", "port", 0)});
  }
  for (const auto& [name, counter] : member<std::map<std::string, YAML::Node>>(status, in_status, "counters", {})) {
    const std::string here = in_status + ".counters." + name;
    server.counters[name] = {member<std::int64_t>(counter, here, "count", 0),
                             member<std::int64_t>(counter, here, "capacity", 0)};
  }
  for (const auto& [name, list] : member<std::map<std::string, YAML::Node>>(status, in_status, "lists", {})) {
    const std::string here = in_status + ".lists." + name;
    server.lists[name] = {member<std::vector<std::string>>(list, here, "values", {}),
                          member<std::int64_t>(list, here, "capacity", 0)};
  }
  return server;
}

Policy read_policy(const YAML::Node& object, const std::string& where) {
  const YAML::Node metadata = part(object, where, "metadata");
  const YAML::Node spec = part(object, where, "spec");
  const std::string in_connection = where + ".spec.connectionInfo";
  const YAML::Node connection = part(spec, where + ".spec", "connectionInfo");
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

void read_object(const YAML::Node& object, const std::string& where, FleetFile& file) {
  const auto kind = member<std::string>(object, where, "kind", "");
  if (kind == "GameServer") {
    file.servers.push_back(read_game_server(object, where));
  } else if (kind == "GameServerAllocationPolicy") {
    file.policies.push_back(read_policy(object, where));
  } else {
    throw std::runtime_error(
        where +
        ".kind: " + (kind.empty() ? "missing" : "'" + kind + "' is neither GameServer nor GameServerAllocationPolicy"));
  }
}

bool is_list(const std::string& kind) {
  return kind == "List" || kind == "GameServerList" || kind == "GameServerAllocationPolicyList";
}

// At the lines that begin with "---". YAML::LoadAll would do it, but never comes back from some malformed texts.
std::vector<std::string> documents_of(const std::string& text) {
  std::vector<std::string> documents(1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("---", 0) == 0) {
      documents.emplace_back();
    }
    documents.back() += line + '\n';
  }
  return documents;
}

}  // namespace

FleetFile read_fleet_yaml(const std::string& text) {
  FleetFile file;
  std::size_t number = 0;
  for (const std::string& part : documents_of(text)) {
    const YAML::Node document = YAML::Load(part);
    if (!document.IsDefined() || document.IsNull()) {
      continue;
    }
    const std::string where = "document " + std::to_string(++number);
    if (!is_list(member<std::string>(document, where, "kind", ""))) {
      read_object(document, where, file);
      continue;
    }
    std::size_t index = 0;
    for (const YAML::Node& item : parts(document, where, "items")) {
      read_object(item, where + ".items[" + std::to_string(index++) + "]", file);
    }
  }
  if (file.servers.empty()) {
    throw std::runtime_error("no GameServer in it");
  }
  return file;
}

}  // namespace agones::local
