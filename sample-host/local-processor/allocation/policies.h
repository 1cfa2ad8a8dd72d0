// SPDX-License-Identifier: Apache-2.0
// Multi-cluster allocation: which clusters a request goes to, and in which order.
#pragma once

#include <allocation/allocation.pb.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

// A GameServerAllocationPolicy.
struct Policy {
  std::string name;
  std::string space;  // its namespace
  Labels labels;
  std::int32_t priority = 0;
  std::int32_t weight = 0;
  std::string cluster;
  std::vector<std::string> endpoints;  // none: this cluster
  std::string secret;
  std::string target_space;
};

// Those that the request means: of its namespace, by its selector.
std::vector<const Policy*> policies_for(const allocation::AllocationRequest& request,
                                        const std::vector<Policy>& policies);

// In the order in which they are tried: by priority, within one at random by weight, each cluster once. Without weight: never.
std::vector<const Policy*> order_of_clusters(const std::vector<const Policy*>& policies, std::mt19937_64& random);

}  // namespace agones::local
