// SPDX-License-Identifier: Apache-2.0
// A request as it is meant: defaults, deprecated fields, numbers that no enum has.
#pragma once

#include <allocation/allocation.pb.h>

#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

// Parts of the request that was converted; it must outlive this.
using Selectors = std::vector<const allocation::GameServerSelector*>;

enum class Scheduling { kPacked, kDistributed };

struct Priority {
  bool list = false;  // else a counter
  std::string key;
  bool descending = false;

  bool operator==(const Priority& other) const {
    return list == other.list && key == other.key && descending == other.descending;
  }
};

// What candidates are sorted by.
struct SortKey {
  Scheduling scheduling = Scheduling::kPacked;
  std::vector<Priority> priorities;

  bool operator==(const SortKey& other) const {
    return scheduling == other.scheduling && priorities == other.priorities;
  }
};

// With the feature gate CountsAndLists off, a request has no counters, lists or priorities.
void drop_counts_and_lists(allocation::AllocationRequest& request);

SortKey sort_key_of(const allocation::AllocationRequest& request);

// In the order in which they are tried; never empty.
Selectors selectors_of(const allocation::AllocationRequest& request);

// What the game server is given: `metadata` if it is there, even empty, else the deprecated `metaPatch`.
const allocation::MetaPatch& patch_of(const allocation::AllocationRequest& request);

GameServerState state_of(const allocation::GameServerSelector& selector);

// In, unless it is one of the others.
allocation::LabelMatchExpressions::Operator operator_of(const allocation::LabelMatchExpressions& expression);

}  // namespace agones::local
