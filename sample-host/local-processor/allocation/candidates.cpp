// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/candidates.h"

#include <algorithm>

#include "local-processor/allocation/counts.h"
#include "local-processor/allocation/selector.h"

namespace agones::local {

namespace {

template <typename Map>
std::optional<std::int64_t> room(const Map& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? std::nullopt : std::optional(available(found->second));
}

std::optional<std::int64_t> room(const GameServer& server, const Priority& priority) {
  return priority.list ? room(server.lists, priority.key) : room(server.counters, priority.key);
}

// Which comes first; 0: the priorities don't tell.
int compare(const GameServer& a, const GameServer& b, const std::vector<Priority>& priorities) {
  for (const Priority& priority : priorities) {
    const auto of_a = room(a, priority);
    const auto of_b = room(b, priority);
    if (of_a.has_value() != of_b.has_value()) {
      return of_a.has_value() ? -1 : 1;  // who lacks it comes last
    }
    if (of_a != of_b) {
      return (*of_a < *of_b) == priority.descending ? 1 : -1;
    }
  }
  return 0;
}

}  // namespace

Pool& Candidates::pool_for(const GameServer& server) {
  const auto found = pools_.find(server);
  if (found != pools_.end()) {
    return **found;
  }
  auto made = std::make_unique<Pool>();
  Pool& pool = *made;
  pool.space = server.space;
  pool.state = server.state;
  pool.labels = server.labels;
  pool.counters = server.counters;
  pool.lists = server.lists;
  pools_.insert(std::move(made));
  Space& space = spaces_[pool.space];
  space.pools[pool.state].insert(&pool);
  for (const auto& label : pool.labels) {
    space.by_label[label].insert(&pool);
  }
  return pool;
}

// Else there would soon be one for each session that ever was.
void Candidates::drop_if_empty(Pool& pool) {
  if (!pool.members.empty()) {
    return;
  }
  Space& space = spaces_[pool.space];
  space.pools[pool.state].erase(&pool);
  for (const auto& label : pool.labels) {
    const auto found = space.by_label.find(label);
    found->second.erase(&pool);
    if (found->second.empty()) {
      space.by_label.erase(found);
    }
  }
  pools_.erase(pools_.find(pool));
}

void Candidates::add(Candidate& server) {
  const bool can_be_allocated =
      !server.deleting && (server.state == GameServerState::kReady || server.state == GameServerState::kAllocated);
  if (!can_be_allocated) {
    return;
  }
  Pool& pool = pool_for(server);
  server.pool = &pool;
  server.position = pool.members.size();
  pool.members.push_back(&server);
  if (pool.by_node) {
    pool.by_node->insert(server, node_of(server));
  }
  if (pool.by_name) {
    pool.by_name->insert(&server);
  }
}

void Candidates::remove(Candidate& server) {
  if (server.pool == nullptr) {
    return;
  }
  Pool& pool = *server.pool;
  server.pool = nullptr;
  if (pool.by_node) {
    pool.by_node->erase(server, node_of(server));
  }
  if (pool.by_name) {
    pool.by_name->erase(&server);
  }
  // The last one takes its place.
  pool.members.back()->position = server.position;
  pool.members[server.position] = pool.members.back();
  pool.members.pop_back();
  drop_if_empty(pool);
}

void Candidates::count(const GameServer& server, GameServerState state, int change) {
  Node& node = node_of(server);
  NodeCounts counts = node.counts;
  if (state == GameServerState::kAllocated) {
    counts.allocated += change;
  } else if (state == GameServerState::kReady) {
    counts.ready += change;
  } else {
    return;
  }
  set_counts(node, counts);
}

std::vector<Pool*> Candidates::matching(const std::string& space_name,
                                        const allocation::GameServerSelector& selector) const {
  std::vector<Pool*> found;
  const auto space = spaces_.find(space_name);
  if (space == spaces_.end()) {
    return found;
  }
  const GameServerState state = state_of(selector);
  const auto of_state = space->second.pools.find(state);
  if (of_state == space->second.pools.end()) {
    return found;
  }
  // The label that the fewest have leads.
  const PoolSet* fewest = &of_state->second;
  for (const auto& [key, value] : selector.matchlabels()) {
    const auto with_label = space->second.by_label.find({key, value});
    if (with_label == space->second.by_label.end()) {
      return found;
    }
    if (with_label->second.size() < fewest->size()) {
      fewest = &with_label->second;
    }
  }
  for (Pool* pool : *fewest) {
    if (pool->state == state && labels_match(selector, pool->labels) &&
        counts_match(selector, pool->counters, pool->lists)) {
      found.push_back(pool);
    }
  }
  return found;
}

Candidate* Candidates::first_of(Pool& pool, const SortKey& key) {
  if (key.scheduling == Scheduling::kDistributed) {
    if (!pool.by_name) {
      pool.by_name.emplace(pool.members.begin(), pool.members.end());
    }
    return *pool.by_name->begin();
  }
  if (!pool.by_node) {
    pool.by_node.emplace();
    for (Candidate* server : pool.members) {
      pool.by_node->insert(*server, node_of(*server));
    }
  }
  return pool.by_node->first();
}

bool Candidates::in_order(const GameServer& a, const GameServer& b, const SortKey& key) const {
  if (key.scheduling == Scheduling::kPacked) {
    const NodeCounts& of_a = nodes_.at(a.node).counts;
    const NodeCounts& of_b = nodes_.at(b.node).counts;
    if (of_a < of_b || of_b < of_a) {
      return of_a < of_b;
    }
  }
  const int by_priority = compare(a, b, key.priorities);
  return by_priority != 0 ? by_priority < 0 : a.name < b.name;
}

Candidate* Candidates::any_of(const std::vector<Pool*>& pools) {
  std::size_t total = 0;
  for (const Pool* pool : pools) {
    total += pool->members.size();
  }
  std::size_t number = std::uniform_int_distribution<std::size_t>(0, total - 1)(random_);
  auto pool = pools.begin();
  for (; number >= (*pool)->members.size(); ++pool) {
    number -= (*pool)->members.size();
  }
  return (*pool)->members[number];
}

Candidate* Candidates::find(const std::string& space, const Selectors& selectors, const SortKey& key) {
  std::vector<Pool*> pools;
  for (auto selector = selectors.begin(); pools.empty() && selector != selectors.end(); ++selector) {
    pools = matching(space, **selector);
  }
  if (pools.empty()) {
    return nullptr;
  }
  if (key.scheduling == Scheduling::kDistributed && key.priorities.empty()) {
    return any_of(pools);
  }
  Candidate* first = nullptr;
  for (Pool* pool : pools) {
    Candidate* const server = first_of(*pool, key);
    if (first == nullptr || in_order(*server, *first, key)) {
      first = server;
    }
  }
  return first;
}

std::vector<const GameServer*> Candidates::sorted(const std::string& space, const SortKey& key) const {
  std::vector<const GameServer*> servers;
  for (const auto& pool : pools_) {
    if (pool->space == space) {
      servers.insert(servers.end(), pool->members.begin(), pool->members.end());
    }
  }
  std::sort(servers.begin(), servers.end(), [&](const GameServer* a, const GameServer* b) {
    // Distributed does not tell states apart.
    if (key.scheduling == Scheduling::kPacked && a->state != b->state) {
      return a->state == GameServerState::kAllocated;
    }
    return in_order(*a, *b, key);
  });
  return servers;
}

}  // namespace agones::local
