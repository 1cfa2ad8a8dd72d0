// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/policies.h"

#include <algorithm>
#include <map>
#include <set>

namespace agones::local {

namespace {

const Policy* draw(std::vector<const Policy*>& policies, std::mt19937_64& random) {
  std::int64_t total = 0;
  for (const Policy* policy : policies) {
    total += policy->weight;
  }
  std::int64_t number = std::uniform_int_distribution<std::int64_t>(0, total - 1)(random);
  auto drawn = policies.begin();
  for (; number >= (*drawn)->weight; ++drawn) {
    number -= (*drawn)->weight;
  }
  const Policy* const policy = *drawn;
  policies.erase(drawn);
  return policy;
}

}  // namespace

std::vector<const Policy*> policies_for(const allocation::AllocationRequest& request,
                                        const std::vector<Policy>& policies) {
  std::vector<const Policy*> meant;
  for (const Policy& policy : policies) {
    const auto& wanted = request.multiclustersetting().policyselector().matchlabels();
    const bool selected = std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
      const auto found = policy.labels.find(label.first);
      return found != policy.labels.end() && found->second == label.second;
    });
    if (policy.space == request.namespace_() && selected) {
      meant.push_back(&policy);
    }
  }
  return meant;
}

std::vector<const Policy*> order_of_clusters(const std::vector<const Policy*>& policies, std::mt19937_64& random) {
  std::map<std::int32_t, std::vector<const Policy*>> by_priority;
  for (const Policy* policy : policies) {
    if (policy->weight > 0) {
      by_priority[policy->priority].push_back(policy);
    }
  }
  std::vector<const Policy*> order;
  std::set<std::string> clusters;
  for (auto& [priority, alike] : by_priority) {
    while (!alike.empty()) {
      const Policy* const policy = draw(alike, random);
      if (clusters.insert(policy->cluster).second) {
        order.push_back(policy);
      }
    }
  }
  return order;
}

}  // namespace agones::local
