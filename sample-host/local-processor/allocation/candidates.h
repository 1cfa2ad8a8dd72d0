// SPDX-License-Identifier: Apache-2.0
// The game servers that can be allocated: which of them a request gets.
//
// Alike ones (namespace, state, labels, counters, lists) lie in one pool: a selector takes all of a pool or none, and a priority does not
// tell them apart. So a request looks at pools, of which there are few, and at the first of each.
#pragma once

#include <allocation/allocation.pb.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "local-processor/allocation/candidate.h"
#include "local-processor/allocation/conversion.h"
#include "local-processor/allocation/game_server.h"
#include "local-processor/allocation/node_index.h"

namespace agones::local {

struct Pool {
  std::string space;
  GameServerState state;
  Labels labels;
  std::map<std::string, Counter> counters;
  std::map<std::string, List> lists;
  std::vector<Candidate*> members;
  // Those that were asked for.
  std::optional<NodeIndex> by_node;
  std::optional<ServersByName> by_name;
};

class Candidates {
 public:
  explicit Candidates(std::uint32_t seed) : random_(seed) {}

  // Ready and allocated servers that are not being deleted can be found. A server is not changed while it can.
  void add(Candidate& server);
  void remove(Candidate& server);

  // Nodes count the servers of all namespaces, whether they can be found or not. `change` is 1 or -1.
  void count(const GameServer& server, GameServerState state, int change);

  // The server that the first selector with a match gets; null: none.
  Candidate* find(const std::string& space, const Selectors& selectors, const SortKey& key);

  // All of a namespace, in the order in which they are looked at. Not for Distributed without priorities, which has no
  // order.
  std::vector<const GameServer*> sorted(const std::string& space, const SortKey& key) const;

 private:
  // Pools are found with a server of theirs.
  struct PoolOrder {
    using is_transparent = void;
    template <typename T>
    static auto kind_of(const T& of) {
      return std::tie(of.space, of.state, of.labels, of.counters, of.lists);
    }
    static auto kind_of(const std::unique_ptr<Pool>& pool) { return kind_of(*pool); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return kind_of(a) < kind_of(b);
    }
  };
  using PoolSet = std::set<Pool*>;
  struct Space {
    std::map<GameServerState, PoolSet> pools;
    std::map<std::pair<std::string, std::string>, PoolSet> by_label;  // of both states
  };

  Pool& pool_for(const GameServer& server);
  void drop_if_empty(Pool& pool);
  Node& node_of(const GameServer& server) { return nodes_[server.node]; }
  std::vector<Pool*> matching(const std::string& space, const allocation::GameServerSelector& selector) const;
  Candidate* first_of(Pool& pool, const SortKey& key);
  Candidate* any_of(const std::vector<Pool*>& pools);
  // Whether the first comes before the second.
  bool in_order(const GameServer& a, const GameServer& b, const SortKey& key) const;

  std::mt19937_64 random_;
  std::unordered_map<std::string, Node> nodes_;
  std::set<std::unique_ptr<Pool>, PoolOrder> pools_;
  std::unordered_map<std::string, Space> spaces_;
};

}  // namespace agones::local
