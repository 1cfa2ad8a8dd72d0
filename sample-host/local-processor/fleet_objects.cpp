// SPDX-License-Identifier: Apache-2.0
// Objects of Kubernetes, as it prints them or as they are written to be applied: GameServers, Fleets, GameServerAllocationPolicies, single
// or in lists.
#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <string_view>

#include "local-processor/fleet_formats.h"
#include "manifest/members.h"
#include "manifest/near_name.h"

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

std::map<std::string, Counter> read_counters(const Tree& object, const std::string& where) {
  std::map<std::string, Counter> counters;
  for (const auto& [name, counter] : object_at(object, where, "counters").items()) {
    const std::string here = where + ".counters." + name;
    counters[name] = {member<std::int64_t>(counter, here, "count", 0),
                      member<std::int64_t>(counter, here, "capacity", 0)};
  }
  return counters;
}

std::map<std::string, List> read_lists(const Tree& object, const std::string& where) {
  std::map<std::string, List> lists;
  for (const auto& [name, list] : object_at(object, where, "lists").items()) {
    const std::string here = where + ".lists." + name;
    lists[name] = {member<std::vector<std::string>>(list, here, "values", {}),
                   member<std::int64_t>(list, here, "capacity", 0)};
  }
  return lists;
}

// What Kubernetes refuses, or drops, depending on how it is applied; mostly misspelt.
void warn_of_unknown(const Tree& object, const std::string& where, std::initializer_list<const char*> known,
                     FileWarnings& warnings) {
  if (!object.is_object()) {
    return;
  }
  for (const auto& [name, value] : object.items()) {
    if (std::none_of(known.begin(), known.end(), [&, &its_name = name](const char* one) { return its_name == one; })) {
      const std::string near = near_name(name, known);
      warnings.push_back(where + "." + name + ": unknown field, passed over" +
                         (near.empty() ? "" : "; is " + near + " meant?"));
    }
  }
}

constexpr std::initializer_list<const char*> kOfAnObject = {"apiVersion", "kind", "metadata", "spec", "status"};
constexpr std::initializer_list<const char*> kOfMetadata = {"name",
                                                            "generateName",
                                                            "namespace",
                                                            "labels",
                                                            "annotations",
                                                            "uid",
                                                            "resourceVersion",
                                                            "generation",
                                                            "creationTimestamp",
                                                            "deletionTimestamp",
                                                            "deletionGracePeriodSeconds",
                                                            "ownerReferences",
                                                            "finalizers",
                                                            "managedFields",
                                                            "selfLink",
                                                            "clusterName"};
constexpr std::initializer_list<const char*> kOfAFleetSpec = {"replicas",   "allocationOverflow", "strategy",
                                                              "scheduling", "priorities",         "template"};
constexpr std::initializer_list<const char*> kOfAServerSpec = {
    "container", "ports",    "health", "scheduling", "sdkServer",        "template",
    "players",   "counters", "lists",  "eviction",   "immutableReplicas"};
constexpr std::initializer_list<const char*> kOfAPort = {"name",          "range",    "portPolicy", "container",
                                                         "containerPort", "hostPort", "protocol"};

// Of a manifest; an object that a cluster has printed is what it is.
void warn_of_unknown_counts(const Tree& spec, const std::string& where, FileWarnings& warnings) {
  for (const auto& [name, counter] : object_at(spec, where, "counters").items()) {
    warn_of_unknown(counter, where + ".counters." + name, {"count", "capacity"}, warnings);
  }
  for (const auto& [name, list] : object_at(spec, where, "lists").items()) {
    warn_of_unknown(list, where + ".lists." + name, {"values", "capacity"}, warnings);
  }
}

// What manifest and printed object have in common.
GameServer read_metadata(const Tree& object, const std::string& where) {
  const std::string in_metadata = where + ".metadata";
  const Tree& metadata = object_at(object, where, "metadata");
  GameServer server;
  server.space = member<std::string>(metadata, in_metadata, "namespace", "default");
  server.labels = member<Labels>(metadata, in_metadata, "labels", {});
  server.annotations = member<Labels>(metadata, in_metadata, "annotations", {});
  server.deleting = !member<std::string>(metadata, in_metadata, "deletionTimestamp", "").empty();
  return server;
}

GameServer read_printed_server(const Tree& object, const std::string& where) {
  const std::string in_status = where + ".status";
  const Tree& status = object_at(object, where, "status");
  GameServer server = read_metadata(object, where);
  server.name = name_from(object_at(object, where, "metadata"), where + ".metadata");
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
  server.counters = read_counters(status, in_status);
  server.lists = read_lists(status, in_status);
  return server;
}

std::int32_t read_port(const Tree& port, const std::string& where, const char* name) {
  const Tree* const found = find(port, where, name);
  if (found == nullptr) {
    fail(where + "." + name, "missing");
  }
  return static_cast<std::int32_t>(whole_of(*found, where + "." + name, 1, 65535));
}

void add_port_rules(const Tree& port, const std::string& where, std::vector<PortRule>& rules) {
  PortRule rule;
  const auto name = member<std::string>(port, where, "name", "");
  const auto policy = member<std::string>(port, where, "portPolicy", "Dynamic");
  const auto protocol = member<std::string>(port, where, "protocol", "UDP");
  if (policy == "Static" || policy == "None") {
    rule.policy = PortRule::Policy::kFixed;
    rule.port = read_port(port, where, policy == "Static" ? "hostPort" : "containerPort");
  } else if (policy != "Dynamic" && policy != "Passthrough") {
    fail(where + ".portPolicy", "'" + policy + "' is none of Dynamic, Static, Passthrough, None");
  }
  // One of both is two ports in the status.
  for (const char* suffix :
       protocol == "TCPUDP" ? std::vector<const char*>{"-tcp", "-udp"} : std::vector<const char*>{""}) {
    rule.name = name + suffix;
    rules.push_back(rule);
  }
}

Scheduling read_scheduling(const Tree& spec, const std::string& where) {
  const auto scheduling = member<std::string>(spec, where, "scheduling", "Packed");
  if (scheduling != "Packed" && scheduling != "Distributed") {
    fail(where + ".scheduling", "'" + scheduling + "' is neither Packed nor Distributed");
  }
  return scheduling == "Packed" ? Scheduling::kPacked : Scheduling::kDistributed;
}

// Of a GameServer, or of a Fleet's template: `object` has metadata and spec.
Template read_template(const Tree& object, const std::string& where, FileWarnings& warnings) {
  Template result;
  result.server = read_metadata(object, where);
  const std::string in_spec = where + ".spec";
  const Tree& spec = object_at(object, where, "spec");
  warn_of_unknown(object, where, kOfAnObject, warnings);
  warn_of_unknown(object_at(object, where, "metadata"), where + ".metadata", kOfMetadata, warnings);
  warn_of_unknown(spec, in_spec, kOfAServerSpec, warnings);
  warn_of_unknown_counts(spec, in_spec, warnings);
  std::size_t index = 0;
  for (const Tree& port : array_at(spec, in_spec, "ports")) {
    const std::string in_port = in_spec + ".ports[" + std::to_string(index++) + "]";
    warn_of_unknown(port, in_port, kOfAPort, warnings);
    add_port_rules(port, in_port, result.ports);
  }
  result.server.counters = read_counters(spec, in_spec);
  result.server.lists = read_lists(spec, in_spec);
  result.scheduling = read_scheduling(spec, in_spec);
  return result;
}

void add_game_server(const Tree& object, const std::string& where, FleetFile& file) {
  if (!object_at(object, where, "status").empty()) {
    file.servers.push_back(read_printed_server(object, where));
    return;
  }
  const Tree& metadata = object_at(object, where, "metadata");
  SingleSpec single;
  single.of = read_template(object, where, file.warnings);
  single.name = member<std::string>(metadata, where + ".metadata", "name", "");
  single.prefix = member<std::string>(metadata, where + ".metadata", "generateName", "");
  if (single.name.empty() && single.prefix.empty()) {
    fail(where + ".metadata", "neither name nor generateName");
  }
  file.singles.push_back(std::move(single));
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

// "5", or "20%".
void read_buffer(const Tree& buffer, const std::string& where, Autoscaler& autoscaler) {
  const Tree* const size = find(buffer, where, "bufferSize");
  if (size == nullptr) {
    fail(where + ".bufferSize", "missing");
  }
  if (!size->is_string()) {
    autoscaler.buffer = static_cast<std::uint32_t>(whole_of(*size, where + ".bufferSize", 1, INT32_MAX));
    return;
  }
  const auto text = size->get<std::string>();
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits > 2 || text.substr(digits) != "%" || std::stoi(text) < 1) {
    fail(where + ".bufferSize", "'" + text + "' is neither a number nor a percentage from 1% to 99%");
  }
  autoscaler.is_percentage = true;
  autoscaler.buffer = static_cast<std::uint32_t>(std::stoi(text));
}

void add_autoscaler(const Tree& object, const std::string& where, FleetFile& file) {
  const std::string in_spec = where + ".spec";
  const std::string in_policy = in_spec + ".policy";
  const Tree& spec = object_at(object, where, "spec");
  const Tree& policy = object_at(spec, in_spec, "policy");
  const auto type = member<std::string>(policy, in_policy, "type", "");
  if (type != "Buffer") {
    file.warnings.push_back(in_policy + ".type: " + (type.empty() ? "missing" : "'" + type + "'") +
                            ": only the policy Buffer is carried out");
    return;
  }
  const std::string in_buffer = in_policy + ".buffer";
  const Tree& buffer = object_at(policy, in_policy, "buffer");
  AutoscalerSpec result;
  result.where = where;
  result.space = read_metadata(object, where).space;
  result.fleet = member<std::string>(spec, in_spec, "fleetName", "");
  read_buffer(buffer, in_buffer, result.autoscaler);
  // More are never made.
  constexpr std::int32_t kMostReplicas = 1'000'000;
  result.autoscaler.least = static_cast<std::uint32_t>(member<std::int32_t>(buffer, in_buffer, "minReplicas", 0));
  result.autoscaler.most =
      static_cast<std::uint32_t>(std::min(member<std::int32_t>(buffer, in_buffer, "maxReplicas", 0), kMostReplicas));
  if (result.autoscaler.most == 0 || result.autoscaler.most > kMostReplicas ||
      result.autoscaler.least > result.autoscaler.most) {
    fail(in_buffer + ".maxReplicas", "missing, or less than minReplicas");
  }
  const Tree& sync = object_at(spec, in_spec, "sync");
  const Tree& interval = object_at(sync, in_spec + ".sync", "fixedInterval");
  result.autoscaler.interval =
      std::chrono::seconds(std::max(member<std::int32_t>(interval, in_spec + ".sync.fixedInterval", "seconds", 30), 1));
  file.autoscalers.push_back(std::move(result));
}

constexpr std::string_view kList = "List";

// A List of anything, also one with lists in it.
bool is_list(const Tree& object, const std::string& kind) {
  return kind.size() >= kList.size() && kind.compare(kind.size() - kList.size(), kList.size(), kList) == 0 &&
         (kind == kList || object.contains("items"));
}

bool is_of(const Tree& object, const std::string& where, const std::string& group) {
  const auto version = member<std::string>(object, where, "apiVersion", "");
  return version.empty() || version.rfind(group + "/", 0) == 0;
}

}  // namespace

FleetSpec read_fleet_object(const Tree& object, const std::string& where, FileWarnings& warnings) {
  const Tree& spec = object_at(object, where, "spec");
  warn_of_unknown(object, where, kOfAnObject, warnings);
  warn_of_unknown(object_at(object, where, "metadata"), where + ".metadata", kOfMetadata, warnings);
  warn_of_unknown(spec, where + ".spec", kOfAFleetSpec, warnings);
  if (find(spec, where + ".spec", "replicas") == nullptr) {
    warnings.push_back(where + ".spec.replicas: missing, which is 0");
  }
  FleetSpec fleet;
  fleet.name = name_from(object_at(object, where, "metadata"), where + ".metadata");
  fleet.replicas = member<std::uint32_t>(spec, where + ".spec", "replicas", 0);
  fleet.of_servers = read_template(object_at(spec, where + ".spec", "template"), where + ".spec.template", warnings);
  fleet.of_servers.server.space = read_metadata(object, where).space;
  fleet.of_servers.server.labels[kFleetLabel] = fleet.name;
  fleet.of_servers.scheduling = read_scheduling(spec, where + ".spec");
  return fleet;
}

void add_object(const Tree& object, const std::string& where, FleetFile& file) {
  const auto kind = member<std::string>(object, where, "kind", "");
  if (kind.empty()) {
    fail(where + ".kind", "missing");
  }
  if (is_list(object, kind)) {
    std::size_t index = 0;
    for (const Tree& item : array_at(object, where, "items")) {
      const std::string in_items = where + ".items[" + std::to_string(index++) + "]";
      if (item.is_object() && !item.contains("kind") && kind != kList) {
        // As the API server itself prints a list: the kind stands with the list alone.
        Tree named = item;
        named["kind"] = kind.substr(0, kind.size() - kList.size());
        named["apiVersion"] = member<std::string>(object, where, "apiVersion", "");
        add_object(named, in_items, file);
      } else {
        add_object(item, in_items, file);
      }
    }
  } else if (kind == "GameServer" && is_of(object, where, "agones.dev")) {
    add_game_server(object, where, file);
  } else if (kind == "Fleet" && is_of(object, where, "agones.dev")) {
    file.fleets.push_back(read_fleet_object(object, where, file.warnings));
  } else if (kind == "FleetAutoscaler" && is_of(object, where, "autoscaling.agones.dev")) {
    add_autoscaler(object, where, file);
  } else if (kind == "GameServerAllocationPolicy" && is_of(object, where, "multicluster.agones.dev")) {
    file.policies.push_back(read_policy(object, where));
  } else {
    ++file.passed_over[kind];
  }
}

}  // namespace agones::local
