// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_file.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace agones::local {
namespace {

TEST(FleetFile, TheExampleIsRead) {
  const auto servers = read_fleet_file(AGONES_FLEET_EXAMPLE).servers;
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

TEST(FleetFile, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "parse error"},
      {"[]", "expected an object"},
      {"{}", "gameServers: empty"},
      {R"({"servers":[]})", "servers: unknown member"},
      {R"({"gameServers":[{}]})", "gameServers[0].name: missing"},
      {R"({"gameServers":[{"name":"a"},{"name":"a"}]})", "two game servers are called default/a"},
      {R"({"gameServers":[{"name":"a","ports":{"p":70000}}]})", "gameServers[0].ports.p: not a port"},
      {R"({"gameServers":[{"name":"a","labels":{"x":1}}]})", "gameServers[0].labels: wrong type"},
      {R"({"gameServers":[{"name":"a","state":"Busy"}]})", "gameServers[0].state: 'Busy' is no state"},
      {R"({"gameServers":[{"name":"a","counters":{"c":{"cuont":1}}}]})", "gameServers[0].counters.c.cuont: unknown"},
      {R"({"gameServers":[{"fleet":"f","replicas":1e80}]})", "gameServers[0].replicas: wrong type"},
      {R"({"gameServers":[{"fleet":"f","replicas":-1}]})", "gameServers[0].replicas: wrong type"},
      {R"({"gameServers":[{"name":"a","ports":{"p":"7000"}}]})", "gameServers[0].ports.p: not a port"},
      {R"({"gameServers":[{"fleet":"f","replicas":4000000000}]})", "gameServers[0].replicas: more than"},
      {R"({"gameServers":[{"name":"a"}],"policies":[{"weight":"x"}]})", "policies[0].weight: wrong type"},
      {"kind: List\nitems: []\n", "no GameServer in it"},
      {"kind: Fleet\n", "document 1.kind: 'Fleet' is neither"},
      {"items: 1\n", "document 1.kind: missing"},
      {"kind: GameServer\nmetadata: {}\n", "document 1.metadata.name: missing"},
      {"kind: GameServer\nmetadata: {name: a}\n", "document 1.status.state: missing"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {state: Busy}\n", "document 1.status.state: unknown 'Busy'"},
      {"kind: List\nitems: [{kind: GameServer, metadata: [], status: {}}]\n",
       "document 1.items[0].metadata: expected a"},
      {"kind: GameServer\nmetadata: {name: a}\nstatus: {state: Ready, counters: {c: {count: many}}}\n",
       "document 1.status.counters.c.count: wrong type"},
      {"kind: [", "end of sequence flow not found"},
      {"just text", "document 1: expected a mapping"},
      {"\n---\nkind: List\n--- \nkind: Pod\n", "document 2.kind: 'Pod' is neither"},
      {R"(,"c":":{"c"{c":1}},"l":{"v":}},{"n"["e"]}]})", "no GameServer in it"},
  };
  for (const auto& [text, problem] : cases) {
    try {
      read_fleet(text);
      ADD_FAILURE() << text;
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(problem), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(read_fleet_file("/nowhere/at/all"), std::runtime_error);
}

}  // namespace
}  // namespace agones::local
