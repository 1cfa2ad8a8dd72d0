// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "local-processor/allocation/allocator.h"
#include "support/temporary_folder.h"

namespace agones::local {
namespace {

TEST(FleetFile, TheExampleIsRead) {
  const auto servers = read_fleet_files({AGONES_FLEET_EXAMPLE}).servers;
  ASSERT_EQ(servers.size(), 501U);
  EXPECT_EQ(servers[0].name, "arena-1");
  EXPECT_EQ(servers[0].labels.at("agones.dev/fleet"), "arena");
  EXPECT_EQ(servers[0].node, "node-a-1");
  EXPECT_EQ(servers[499].node, "node-a-10");
  EXPECT_EQ(servers[0].ports.size(), 2U);
  EXPECT_EQ(servers[0].counters.at("players").capacity, 10);
  EXPECT_EQ(servers[500].name, "tutorial-1");
  EXPECT_EQ(servers[500].state, GameServerState::kAllocated);
}

TEST(FleetFile, WhatKubectlPrintsIsRead) {
  const auto file = read_fleet(R"(
apiVersion: v1
kind: List
items:
- apiVersion: agones.dev/v1
  kind: GameServer
  metadata:
    annotations:
      agones.dev/ready-container-id: docker://abc
    labels:
      agones.dev/fleet: blue
      version: "1"
    name: blue-4hx7d-abcde
    namespace: games
    managedFields: [{manager: controller, operation: Update}]
  spec: {container: server}
  status:
    address: 192.0.2.7
    addresses:
    - {address: 192.0.2.7, type: ExternalIP}
    - {address: node-7.example, type: Hostname}
    counters:
      players: {capacity: 10, count: 3}
    lists:
      ids: {capacity: 5, values: [a, "2"]}
    nodeName: node-7
    players: null
    ports:
    - {name: game, port: 7043}
    state: Allocated
- apiVersion: agones.dev/v1
  kind: GameServer
  metadata: {name: gone, namespace: games, deletionTimestamp: "2026-11-24T05:40:17Z"}
  status: {state: Shutdown}
- apiVersion: multicluster.agones.dev/v1
  kind: GameServerAllocationPolicy
  metadata: {name: west, namespace: games, labels: {region: west}}
  spec:
    priority: 2
    weight: 7
    connectionInfo: {clusterName: w, namespace: remote, secretName: s, allocationEndpoints: [192.0.2.1]}
---
apiVersion: agones.dev/v1
kind: GameServer
metadata: {name: single}
status: {state: PortAllocation}
)");
  ASSERT_EQ(file.servers.size(), 3U);
  const GameServer& server = file.servers[0];
  EXPECT_EQ(server.name, "blue-4hx7d-abcde");
  EXPECT_EQ(server.space, "games");
  EXPECT_EQ(server.state, GameServerState::kAllocated);
  EXPECT_EQ(server.labels.at("version"), "1");
  EXPECT_EQ(server.annotations.size(), 1U);
  EXPECT_EQ(server.address, "192.0.2.7");
  ASSERT_EQ(server.addresses.size(), 2U);
  EXPECT_EQ(server.addresses[1].type, "Hostname");
  EXPECT_EQ(server.node, "node-7");
  ASSERT_EQ(server.ports.size(), 1U);
  EXPECT_EQ(server.ports[0].port, 7043);
  EXPECT_EQ(server.counters.at("players").count, 3);
  EXPECT_EQ(server.lists.at("ids").values, (std::vector<std::string>{"a", "2"}));
  EXPECT_FALSE(server.deleting);
  EXPECT_TRUE(file.servers[1].deleting);
  EXPECT_EQ(file.servers[2].space, "default");
  ASSERT_EQ(file.policies.size(), 1U);
  EXPECT_EQ(file.policies[0].target_space, "remote");
  EXPECT_EQ(file.policies[0].endpoints.size(), 1U);
}

TEST(FleetFile, KubectlsJsonIsReadToo) {
  const auto file = read_fleet(
      R"({"kind":"List","items":[{"kind":"GameServer","metadata":{"name":"a"},"status":{"state":"Ready"}}]})");
  ASSERT_EQ(file.servers.size(), 1U);
  EXPECT_EQ(file.servers[0].name, "a");
}

std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  for (const GameServer& server : read_fleet(text).servers) {
    names.push_back(server.name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(FleetFile, JsonOfEveryShapeIsRead) {
  const std::string a = R"({"kind":"GameServer","metadata":{"name":"a"},"status":{"state":"Ready"}})";
  const std::string b = R"({"kind":"GameServer",
    "metadata":{"name":"b\"{"},"status":{"state":"Ready"}})";
  EXPECT_EQ(names_in(a + "\n" + b + "\n"), (Names{"a", "b\"{"}));
  EXPECT_EQ(names_in(a + b), (Names{"a", "b\"{"}));
  EXPECT_EQ(names_in(a + "\n---\n" + b), (Names{"a", "b\"{"}));
  EXPECT_EQ(names_in(" [" + a + ", " + b + "]"), (Names{"a", "b\"{"}));
  EXPECT_EQ(names_in("\xEF\xBB\xBF" + a), Names{"a"});
  EXPECT_EQ(names_in("\xEF\xBB\xBF{\"gameServers\":[{\"fleet\":\"f\",\"replicas\":1}]}"), Names{"f-1"});
  EXPECT_EQ(names_in("\xEF\xBB\xBFkind: GameServer\nmetadata: {name: c}\nstatus: {state: Ready}\n"), Names{"c"});
}

TEST(FleetFile, YamlInBracesIsRead) {
  EXPECT_EQ(names_in("{kind: GameServer, metadata: {name: a}, status: {state: Ready}}"), Names{"a"});
}

TEST(FleetFile, DocumentsEndInEitherWay) {
  const std::string a = "kind: GameServer\nmetadata: {name: a}\nstatus: {state: Ready}\n";
  const std::string b = "kind: GameServer\nmetadata: {name: b}\nstatus: {state: Ready}\n";
  EXPECT_EQ(names_in("%YAML 1.2\n---\n" + a + "...\n" + b), (Names{"a", "b"}));
  EXPECT_EQ(names_in("---\n---\n# nothing\n---\n" + a + "---\n" + b + "---\n"), (Names{"a", "b"}));
}

TEST(FleetFile, TextOutsideOfAsciiIsKept) {
  const auto note = [](const std::string& text) { return read_fleet(text).servers.at(0).annotations.at("note"); };
  EXPECT_EQ(note(R"({"kind":"GameServer","metadata":{"name":"a","annotations":{"note":"\ud83c\udf89"}},)"
                 R"("status":{"state":"Ready"}})"),
            "\xF0\x9F\x8E\x89");
  const auto of_yaml = [&](const std::string& scalar) {
    return note("kind: GameServer\nmetadata:\n  name: a\n  annotations:\n    note: " + scalar +
                "\nstatus: {state: Ready}\n");
  };
  // As kubectl prints U+0085, U+00A0, U+2028 and what lies beyond 16 bits; and as they are.
  EXPECT_EQ(of_yaml(R"("a\Nb\_c\Ld\U0001F389")"),
            "a\xC2\x85"
            "b\xC2\xA0"
            "c\xE2\x80\xA8"
            "d\xF0\x9F\x8E\x89");
  EXPECT_EQ(of_yaml("'a\xC2\x85z\xE2\x80\xA8z'"), "a\xC2\x85z\xE2\x80\xA8z");
  EXPECT_EQ(of_yaml("\"\xC3\x85\xE0\xA0\x85\xF0\x9F\x8E\x85\""), "\xC3\x85\xE0\xA0\x85\xF0\x9F\x8E\x85");
}

TEST(FleetFile, AnchorsStandForTheirValues) {
  const auto file = read_fleet(
      "kind: List\nitems:\n- &one\n  kind: GameServer\n  metadata: {name: a, labels: &labels {x: y}}\n"
      "  status: {state: Ready}\n- kind: GameServer\n  metadata: {name: b, labels: *labels}\n  status: {state: "
      "Ready}\n");
  ASSERT_EQ(file.servers.size(), 2U);
  EXPECT_EQ(file.servers[1].labels.at("x"), "y");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) {
      bomb += ", " + last;
    }
    bomb += "]\n";
  }
  EXPECT_THROW(read_fleet(bomb), std::runtime_error);
  EXPECT_THROW(read_fleet("kind: &a [*a]\n"), std::runtime_error);
}

// By the CPU of this thread, the best of three.
template <typename Work>
std::clock_t cpu_time_of(const Work& work) {
  std::clock_t best = std::numeric_limits<std::clock_t>::max();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    work();
    best = std::min(best, std::clock() - start);
  }
  return best;
}

TEST(FleetFile, JsonTakesNoLongerThanItsParserNeeds) {
  nlohmann::json items = nlohmann::json::array();
  for (int i = 0; i < 1000; ++i) {
    items.push_back({{"kind", "GameServer"},
                     {"metadata",
                      {{"name", "a-" + std::to_string(i)},
                       {"managedFields", nlohmann::json::array_t(40, {{"manager", "controller"}})}}},
                     {"status", {{"state", "Ready"}}}});
  }
  const std::string text = nlohmann::json{{"kind", "List"}, {"items", items}}.dump();
  const std::clock_t bare = cpu_time_of([&] { EXPECT_FALSE(nlohmann::json::parse(text).empty()); });
  const std::clock_t whole = cpu_time_of([&] { EXPECT_EQ(read_fleet(text).servers.size(), 1000U); });
  EXPECT_LT(whole, 8 * bare);
}

constexpr char kFleetManifest[] = R"(
apiVersion: agones.dev/v1
kind: Fleet
metadata: {name: blue, namespace: games, labels: {of: the fleet}}
spec:
  replicas: 150
  scheduling: Packed
  template:
    metadata: {labels: {mode: ranked}, annotations: {note: x}}
    spec:
      ports:
      - {name: game, portPolicy: Dynamic, containerPort: 7654}
      - {name: voice, portPolicy: Static, containerPort: 1, hostPort: 9000}
      - {name: query, portPolicy: None, containerPort: 27015}
      - {name: both, containerPort: 2, protocol: TCPUDP}
      counters: {rooms: {count: 1, capacity: 10}}
      lists: {players: {capacity: 20, values: [a]}}
      template: {spec: {containers: [{name: c, image: x}]}}
)";

TEST(FleetFile, AFleetsManifestBecomesItsGameServers) {
  const auto file = read_fleet(kFleetManifest);
  ASSERT_EQ(file.servers.size(), 150U);
  ASSERT_EQ(file.fleets.size(), 1U);
  EXPECT_EQ(file.fleets[0].replicas, 150U);
  const GameServer& server = file.servers[0];
  EXPECT_EQ(server.name.rfind("blue-", 0), 0U);
  EXPECT_EQ(server.name.size(), std::string("blue-xxxxx-xxxxx").size());
  EXPECT_EQ(server.name.substr(0, 11), file.servers[149].name.substr(0, 11));
  EXPECT_EQ(server.space, "games");
  EXPECT_EQ(server.labels, (Labels{{"agones.dev/fleet", "blue"}, {"mode", "ranked"}}));
  EXPECT_EQ(server.annotations, (Labels{{"note", "x"}}));
  EXPECT_EQ(server.state, GameServerState::kReady);
  EXPECT_EQ(server.counters.at("rooms").capacity, 10);
  EXPECT_EQ(server.lists.at("players").values, std::vector<std::string>{"a"});
  EXPECT_EQ(server.node, "node-1");
  EXPECT_EQ(file.servers[149].node, "node-2");
  std::vector<std::string> ports;
  for (const auto& port : file.servers[0].ports) {
    ports.push_back(port.name + " " + std::to_string(port.port));
  }
  EXPECT_EQ(ports,
            (std::vector<std::string>{"game 7000", "voice 9000", "query 27015", "both-tcp 7001", "both-udp 7002"}));
  EXPECT_NE(file.servers[1].ports[0].port, server.ports[0].port) << "two servers of a node share no assigned port";
}

TEST(FleetFile, ADistributedFleetTakesManyNodes) {
  const auto file = read_fleet("kind: Fleet\nmetadata: {name: f}\nspec: {replicas: 20, scheduling: Distributed}\n");
  std::set<std::string> nodes;
  for (const GameServer& server : file.servers) {
    nodes.insert(server.node);
  }
  EXPECT_EQ(nodes.size(), 10U);
}

TEST(FleetFile, AGameServersManifestIsOneThatIsReady) {
  const auto file = read_fleet(R"(
apiVersion: agones.dev/v1
kind: GameServer
metadata: {generateName: simple-, labels: {a: b}}
spec:
  ports: [{name: default, portPolicy: Dynamic, containerPort: 7654}]
  counters: {rooms: {capacity: 3}}
---
apiVersion: agones.dev/v1
kind: GameServer
metadata: {name: named}
spec: {}
status: {}
)");
  ASSERT_EQ(file.servers.size(), 2U);
  EXPECT_EQ(file.servers[0].name.rfind("simple-", 0), 0U);
  EXPECT_EQ(file.servers[0].name.size(), 12U);
  EXPECT_EQ(file.servers[0].state, GameServerState::kReady);
  EXPECT_EQ(file.servers[0].ports.at(0).name, "default");
  EXPECT_EQ(file.servers[0].counters.at("rooms").capacity, 3);
  EXPECT_EQ(file.servers[1].name, "named");
}

TEST(FleetFile, AFleetThatIsPrintedWithItsServersHasThemAlready) {
  const auto file = read_fleet(
      "kind: List\nitems:\n- kind: Fleet\n  metadata: {name: f}\n  spec: {replicas: 2}\n  status: {replicas: 2}\n"
      "- kind: GameServer\n  metadata: {name: f-1, labels: {agones.dev/fleet: f}}\n  status: {state: Allocated}\n");
  EXPECT_EQ(file.servers.size(), 1U);
  EXPECT_EQ(file.fleets.size(), 1U);
}

TEST(FleetFile, OtherKindsArePassedOverAndCounted) {
  const auto file = read_fleet(
      "kind: Service\nmetadata: {name: s}\n---\nkind: List\nitems:\n- kind: List\n  items:\n"
      "  - {kind: Fleet, metadata: {name: f}, spec: {replicas: 1}}\n  - {kind: Pod}\n- {kind: Pod}\n---\n"
      "apiVersion: autoscaling.agones.dev/v1\nkind: FleetAutoscaler\nmetadata: {name: a}\n");
  EXPECT_EQ(file.servers.size(), 1U);
  EXPECT_EQ(describe_passed_over(file), "2 Pod, 1 Service");
  EXPECT_EQ(notes_on(file), (std::vector<std::string>{
                                "warning: document 3.spec.policy.type: missing: only the policy Buffer is carried out",
                                "passed over: 2 Pod, 1 Service"}));
}

TEST(FleetFile, MisspeltFieldsAreWarnings) {
  const auto warnings = [](const std::string& text) { return read_fleet(text).warnings; };
  EXPECT_EQ(warnings("kind: Fleet\nmetadata: {name: f}\nspec: {replcas: 3}\n"),
            (Names{"document 1.spec.replcas: unknown field, passed over; is replicas meant?",
                   "document 1.spec.replicas: missing, which is 0"}));
  EXPECT_EQ(warnings("kind: Fleet\nmetadata: {name: f, label: {a: b}}\nspec: {replicas: 0}\nreplicas: 3\n"),
            (Names{"document 1.replicas: unknown field, passed over",
                   "document 1.metadata.label: unknown field, passed over; is labels meant?"}));
  EXPECT_EQ(warnings(R"({"kind":"Fleet","metadata":{"name":"f"},"spec":{"replicas":1,"template":{"metadata":{},"spec":{
      "port":[],"ports":[{"name":"p","containerport":7}],"counters":{"c":{"cap":3}},"lists":{"l":{"value":[]}},
      "template":{"anything":1}}}}})"),
            (Names{"document 1.spec.template.spec.port: unknown field, passed over; is ports meant?",
                   "document 1.spec.template.spec.counters.c.cap: unknown field, passed over",
                   "document 1.spec.template.spec.lists.l.value: unknown field, passed over; is values meant?",
                   "document 1.spec.template.spec.ports[0].containerport: unknown field, passed over; is containerPort "
                   "meant?"}));
  // Everything that Agones v1.60 has.
  EXPECT_EQ(
      warnings(
          R"({"apiVersion":"agones.dev/v1","kind":"Fleet","metadata":{"name":"f","generation":1},"spec":{"replicas":1,
      "allocationOverflow":{},"strategy":{},"scheduling":"Packed","priorities":[],"template":{"metadata":{"labels":{}},"spec":{
      "container":"c","ports":[{"name":"p","range":"default","portPolicy":"Dynamic","container":"c","containerPort":7,
      "protocol":"UDP"}],"health":{},"scheduling":"Packed","sdkServer":{},"template":{},"players":{},"counters":{},"lists":{},
      "eviction":{}}}},"status":{"replicas":1}})"),
      Names{});
  // What a cluster prints is what it is.
  EXPECT_EQ(
      warnings(
          R"({"kind":"GameServer","metadata":{"name":"a","x":1},"spec":{"y":1},"status":{"state":"Ready","z":1}})"),
      Names{});
  std::string many = "kind: Fleet\nmetadata: {name: f}\nspec:\n  replicas: 1\n";
  for (int i = 0; i < 100; ++i) {
    many += "  field" + std::to_string(i) + ": 1\n";
  }
  const auto notes = notes_on(read_fleet(many));
  ASSERT_EQ(notes.size(), 21U);
  EXPECT_EQ(notes.back(), "warning: and 80 more");
}

std::string autoscaler_of(const std::string& fleet, const std::string& spec) {
  return "---\napiVersion: autoscaling.agones.dev/v1\nkind: FleetAutoscaler\nmetadata: {name: a}\nspec:\n  "
         "fleetName: " +
         fleet + "\n" + spec;
}

TEST(FleetFile, ABufferPolicyIsItsFleetsAutoscaler) {
  const std::string fleet = "apiVersion: agones.dev/v1\nkind: Fleet\nmetadata: {name: f}\nspec: {replicas: 2}\n";
  const auto read = [&](const std::string& spec) { return read_fleet(fleet + autoscaler_of("f", spec)).fleets.at(0); };
  const auto plain = read(
      "  policy: {type: Buffer, buffer: {bufferSize: 5, minReplicas: 3, maxReplicas: 20}}\n"
      "  sync: {type: FixedInterval, fixedInterval: {seconds: 7}}\n");
  ASSERT_TRUE(plain.autoscaler);
  EXPECT_EQ(plain.autoscaler->interval, std::chrono::seconds(7));
  EXPECT_EQ(plain.autoscaler->replicas_for(0), 5U);
  EXPECT_EQ(plain.autoscaler->replicas_for(9), 14U);
  EXPECT_EQ(plain.autoscaler->replicas_for(100), 20U);
  const auto percentage =
      read("  policy: {type: Buffer, buffer: {bufferSize: 20%, minReplicas: 3, maxReplicas: 20}}\n");
  ASSERT_TRUE(percentage.autoscaler);
  EXPECT_EQ(percentage.autoscaler->interval, std::chrono::seconds(30));
  EXPECT_EQ(percentage.autoscaler->replicas_for(0), 3U);
  EXPECT_EQ(percentage.autoscaler->replicas_for(8), 10U);
  EXPECT_EQ(percentage.autoscaler->replicas_for(9), 12U) << "rounded up";
  // The autoscaler may stand before its fleet.
  EXPECT_TRUE(
      read_fleet(autoscaler_of("f", "  policy: {type: Buffer, buffer: {bufferSize: 1, maxReplicas: 2}}\n---\n") + fleet)
          .fleets.at(0)
          .autoscaler);
  EXPECT_EQ(
      read_fleet(fleet + autoscaler_of("g", "  policy: {type: Buffer, buffer: {bufferSize: 1, maxReplicas: 2}}\n"))
          .warnings,
      Names{"document 2.spec.fleetName: no fleet is called default/g"});
  EXPECT_EQ(read_fleet(fleet + autoscaler_of("f", "  policy: {type: Webhook, webhook: {}}\n")).warnings,
            Names{"document 2.spec.policy.type: 'Webhook': only the policy Buffer is carried out"});
  const std::pair<const char*, const char*> cases[] = {
      {"bufferSize: 0, maxReplicas: 2", "bufferSize: wrong type: a whole number from 1"},
      {"bufferSize: \"7\", maxReplicas: 2", "bufferSize: '7' is neither a number nor a percentage"},
      {"bufferSize: 100%, maxReplicas: 2", "bufferSize: '100%' is neither"},
      {"bufferSize: 0%, maxReplicas: 2", "bufferSize: '0%' is neither"},
      {"bufferSize: \"%\", maxReplicas: 2", "bufferSize: '%' is neither"},
      {"maxReplicas: 2", "bufferSize: missing"},
      {"bufferSize: 1", "maxReplicas: missing, or less than minReplicas"},
      {"bufferSize: 1, minReplicas: 3, maxReplicas: 2", "maxReplicas: missing, or less than minReplicas"},
      {"bufferSize: 1, maxReplicas: -2", "maxReplicas: missing, or less than minReplicas"},
  };
  for (const auto& [buffer, problem] : cases) {
    try {
      read(std::string("  policy: {type: Buffer, buffer: {") + buffer + "}}\n");
      ADD_FAILURE() << buffer;
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(problem), std::string::npos) << error.what();
    }
  }
}

TEST(FleetFile, ListsNameTheKindOfTheirItems) {
  const auto file =
      read_fleet(R"({"kind":"GameServerList","apiVersion":"agones.dev/v1","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"status":{"state":"Ready"}},{"kind":"GameServer","metadata":{"name":"b"},"status":{"state":"Ready"}}]}
      {"kind":"FleetList","apiVersion":"agones.dev/v1","items":[{"metadata":{"name":"f"},"spec":{"replicas":2}}]}
      {"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"p"}}]})");
  EXPECT_EQ(file.servers.size(), 4U);
  EXPECT_EQ(describe_passed_over(file), "1 Pod");
}

TEST(FleetFile, WholeNumbersMayBeWrittenAsFractions) {
  EXPECT_EQ(read_fleet("kind: Fleet\nmetadata: {name: f}\nspec: {replicas: 2.0}\n").servers.size(), 2U);
}

TEST(FleetFile, MergesTakeWhatIsNotThere) {
  const auto file = read_fleet(
      "x-base: &base {mode: ranked, map: canyon}\nx-more: &more {map: desert, size: big}\n"
      "kind: List\nitems:\n"
      "- {kind: GameServer, metadata: {name: a, labels: {<<: *base, mode: casual}}, status: {state: Ready}}\n"
      "- {kind: GameServer, metadata: {name: b, labels: {mode: casual, <<: [*base, *more]}}, status: {state: Ready}}\n"
      "- kind: GameServer\n  metadata: {name: c, labels: {\"<<\": \"x\"}}\n  status: {state: Ready}\n");
  ASSERT_EQ(file.servers.size(), 3U);
  EXPECT_EQ(file.servers[0].labels, (Labels{{"mode", "casual"}, {"map", "canyon"}}));
  EXPECT_EQ(file.servers[1].labels, (Labels{{"mode", "casual"}, {"map", "canyon"}, {"size", "big"}}));
  EXPECT_EQ(file.servers[2].labels, (Labels{{"<<", "x"}}));
}

// Manifests of every shape: how many game servers each is, and that each of them can be allocated.
TEST(FleetFile, ManifestsOfEveryShapeAreCountedAndAllocatedFrom) {
  using nlohmann::json;
  std::vector<std::pair<json, std::size_t>> manifests;
  for (const char* kind : {"Fleet", "GameServer"}) {
    for (const char* scheduling : {"Packed", "Distributed"}) {
      for (const char* policy : {"Dynamic", "Static", "Passthrough", "None"}) {
        for (const bool counts : {false, true}) {
          for (const char* space : {"", "games"}) {
            const std::string name = "m" + std::to_string(manifests.size());
            json spec = {{"ports", {{{"name", "p"}, {"portPolicy", policy}, {"containerPort", 7}, {"hostPort", 7}}}},
                         {"template", {{"spec", {{"containers", json::array()}}}}}};
            if (counts) {
              spec["counters"] = {{"rooms", {{"count", 0}, {"capacity", 2}}}};
              spec["lists"] = {{"players", {{"capacity", 2}, {"values", json::array()}}}};
            }
            const bool fleet = kind == std::string("Fleet");
            json manifest = {{"apiVersion", "agones.dev/v1"}, {"kind", kind}, {"metadata", {{"name", name}}}};
            if (*space != '\0') {
              manifest["metadata"]["namespace"] = space;
            }
            manifest["spec"] =
                fleet ? json{{"replicas", 3}, {"scheduling", scheduling}, {"template", {{"spec", spec}}}} : spec;
            manifests.emplace_back(manifest, fleet ? 3 : 1);
          }
        }
      }
    }
  }
  ASSERT_GE(manifests.size(), 40U);
  json list = json::array();
  std::size_t total = 0;
  for (const auto& [manifest, count] : manifests) {
    const FleetFile file = read_fleet(manifest.dump());
    ASSERT_EQ(file.servers.size(), count) << manifest;
    Allocator allocator({}, 1);
    for (const GameServer& server : file.servers) {
      EXPECT_EQ(server.ports.size(), 1U);
      allocator.put(server);
    }
    allocation::AllocationRequest request;
    request.set_namespace_(file.servers[0].space);
    for (std::size_t i = 0; i <= count; ++i) {
      allocation::AllocationResponse response;
      EXPECT_EQ(allocator.decide(request, {}, response).result.code, i < count ? 0 : 8) << manifest;
    }
    list.push_back(manifest);
    total += count;
  }
  EXPECT_EQ(read_fleet(json{{"kind", "List"}, {"items", list}}.dump()).servers.size(), total);
}

TEST(FleetFile, SeveralFilesAndFoldersAreOneFleet) {
  const test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.file(name)) << text;
  };
  write("b.yaml", "kind: Fleet\nmetadata: {name: b}\nspec: {replicas: 2}\n");
  write("a.json", R"({"gameServers":[{"name":"a-1"}]})");
  write("notes.txt", "kind: [");
  const auto whole = read_fleet_files({folder.file("")});
  ASSERT_EQ(whole.servers.size(), 3U);
  EXPECT_EQ(whole.servers[0].name, "a-1");
  EXPECT_EQ(read_fleet_files({folder.file("a.json"), folder.file("b.yaml")}).servers.size(), 3U);
  EXPECT_THROW(read_fleet_files({folder.file("a.json"), folder.file("a.json")}), std::runtime_error);
}

// What lies beside manifests in people's folders is passed over; a file that is named is to be used.
TEST(FleetFile, AFolderHasFilesThatAreNoManifests) {
  const test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.file(name)) << text;
  };
  write("fleet.yaml", "kind: Fleet\nmetadata: {name: b}\nspec: {replicas: 2, replicaz: 3}\n");
  write("kustomization.yaml", "resources:\n- fleet.yaml\n");
  write("values.yaml", "replicas: 3\nimage: {tag: x}\n");
  write("package.json", R"({"name":"x"})");
  write("list.yaml", "- a\n- b\n");
  write("empty.yaml", "\n");
  write("comments.yaml", "# nothing\n---\n");
  const auto file = read_fleet_files({folder.file("")});
  EXPECT_EQ(file.servers.size(), 2U);
  EXPECT_EQ(describe_passed_over(file), "4 document without a kind");
  ASSERT_EQ(file.warnings.size(), 1U);
  EXPECT_NE(file.warnings[0].find("fleet.yaml: document 1.spec.replicaz: unknown field"), std::string::npos);
  EXPECT_THROW(read_fleet_files({folder.file("values.yaml")}), std::runtime_error);

  write("template.yaml", "kind: Fleet\nmetadata:\n  name: {{ .Values.name }}\n");
  try {
    read_fleet_files({folder.file("template.yaml")});
    ADD_FAILURE();
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("a template of Helm is to be rendered first"), std::string::npos)
        << error.what();
  }
}

TEST(FleetFile, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "it is empty: wanted is what 'kubectl get gameservers -o yaml'"},
      {" \n", "it is empty: wanted is what 'kubectl get gameservers -o yaml'"},
      {"No resources found in default namespace.\n",
       "found no game servers: wanted is what 'kubectl get gameservers -o yaml'"},
      {"NAME     STATE   ADDRESS\na-1     Ready   192.0.2.1\n", "a table for people: wanted is what 'kubectl get"},
      {"NAMESPACE   NAME    STATE\ngames  a-1     Ready\n", "a table for people: wanted is what 'kubectl get"},
      {"[]", "no GameServer in it; wanted is what 'kubectl get gameservers -o yaml'"},
      {"[1]", "document 1: expected a mapping"},
      {"{\"gameServers\":[\n{\"name\":\"a\"}\n,}", "line 3: JSON: "},
      {"{\"a\":1}\n\n{\"b\":\n}", "line 4: JSON: "},
      {R"({"gameServers":[{"name":"a","name":"b"}]})", "the key 'name' is given twice"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {state: Ready}\nkind: GameServer\n",
       "line 4: the key 'kind' is given twice in one mapping: put a line with --- between objects"},
      {"kind: GameServer\nmetadata: {name: a, labels: {b: c, b: d}}\n",
       "line 2: the key 'b' is given twice in one mapping"},
      {"kind: GameServer\nmetadata: {name: a, labels: {b: 1}}\nstatus: {state: Ready}\n",
       "document 1.metadata.labels.b: wrong type: a text is wanted, put quotes around it"},
      {"kind: GameServer\n...\n} x\n", "line 3, column 1: illegal flow end"},
      {"kind: GameServer\n<<: 7\n", "line 2: <<: a mapping is wanted, or a list of mappings"},
      {"kind: GameServer\n<<: [{}, 7]\n", "<<: a mapping is wanted, or a list of mappings"},
      {"kind: GameServer\n<<: {a: b}\n<<: {c: d}\n", "line 3: the key '<<' is given twice in one mapping"},
      {"? {a: b}\n: c\n", "line 1: a key that is no text"},
      {"{}", "gameServers: empty"},
      {R"({"servers":[]})", "servers: unknown member"},
      {R"({"gameServers":[{}]})", "gameServers[0].name: missing"},
      {R"({"gameServers":[{"name":"a"},{"name":"a"}]})", "two game servers are called default/a"},
      {R"({"gameServers":[{"name":"a","ports":{"p":70000}}]})", "gameServers[0].ports.p: not a port"},
      {R"({"gameServers":[{"name":"a","labels":{"x":1}}]})", "gameServers[0].labels.x: wrong type"},
      {R"({"gameServers":[{"name":"a","state":"Busy"}]})", "gameServers[0].state: 'Busy' is no state"},
      {R"({"gameServers":[{"name":"a","counters":{"c":{"cuont":1}}}]})", "gameServers[0].counters.c.cuont: unknown"},
      {R"({"gameServers":[{"fleet":"f","replicas":1e80}]})", "gameServers[0].replicas: wrong type"},
      {R"({"gameServers":[{"fleet":"f","replicas":-1}]})", "gameServers[0].replicas: wrong type"},
      {R"({"gameServers":[{"name":"a","ports":{"p":"7000"}}]})", "gameServers[0].ports.p: not a port"},
      {R"({"gameServers":[{"fleet":"f","replicas":4000000000}]})", "gameServers[0].replicas: more than"},
      {R"({"gameServers":[{"name":"a"}],"policies":[{"weight":"x"}]})", "policies[0].weight: wrong type"},
      {"kind: List\nitems: []\n", "no GameServer in it"},
      {"kind: Fleet\n", "document 1.metadata.name: missing"},
      {"items: 1\n", "document 1.kind: missing"},
      {"kind: GameServer\nmetadata: {}\n", "document 1.metadata: neither name nor generateName"},
      {"kind: GameServer\nmetadata: {}\nstatus: {state: Ready}\n", "document 1.metadata.name: missing"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {address: b}\n", "document 1.status.state: missing"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {replicas: -1}\n", "document 1.spec.replicas: wrong type"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {replicas: 4000000000}\n", "fleet f: replicas: more than"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {scheduling: packed}\n",
       "document 1.spec.scheduling: 'packed' is neither"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {template: {spec: {ports: [{portPolicy: Random}]}}}\n",
       "document 1.spec.template.spec.ports[0].portPolicy: 'Random' is none of"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {template: {spec: {ports: [{portPolicy: Static}]}}}\n",
       "document 1.spec.template.spec.ports[0].hostPort: missing"},
      {"kind: Fleet\nmetadata: {name: f}\n---\nkind: Fleet\nmetadata: {name: f}\n", "two fleets are called default/f"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {state: Busy}\n", "document 1.status.state: unknown 'Busy'"},
      {"kind: List\nitems: [{kind: GameServer, metadata: [], status: {}}]\n",
       "document 1.items[0].metadata: expected a"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {state: Ready, counters: {c: {count: many}}}\n",
       "document 1.status.counters.c.count: wrong type"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {replicas: \"2\"}\n", "is wanted, without quotes"},
      {"kind: Fleet\nmetadata: {name: f}\nspec: {replicas: 2.5}\n", "document 1.spec.replicas: wrong type"},
      {"kind: Fleet\nmetadata:\n  name: f\nspec:\n\treplicas: 2\n", "in the indentation of line 5 is a tab"},
      {"kind: [", "end of sequence flow not found"},
      {"just text", "document 1: expected a mapping"},
      {"\n---\nkind: List\n--- \nkind: Pod\n", "no GameServer in it, but 1 Pod; wanted is"},
      {"apiVersion: fleet.example/v1\nkind: Fleet\nmetadata: {name: f}\n", "no GameServer in it, but 1 Fleet"},
      {R"(,"c":":{"c"{c":1}},"l":{"v":}},{"n"["e"]}]})", "line 1: this is no YAML"},
  };
  for (const auto& [text, problem] : cases) {
    try {
      read_fleet(text);
      ADD_FAILURE() << text;
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(problem), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(read_fleet_files({"/nowhere/at/all"}), std::runtime_error);
}

}  // namespace
}  // namespace agones::local
