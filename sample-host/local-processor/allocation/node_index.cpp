// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/node_index.h"

#include <algorithm>

namespace agones::local {

void set_counts(Node& node, const NodeCounts& counts) {
  for (Bucket* bucket : node.buckets) {
    bucket->index->detach(*bucket);
  }
  node.counts = counts;
  for (Bucket* bucket : node.buckets) {
    bucket->index->attach(*bucket);
  }
}

NodeIndex::~NodeIndex() {
  for (const auto& [node, bucket] : buckets_) {
    node->buckets.erase(std::find(node->buckets.begin(), node->buckets.end(), bucket.get()));
  }
}

void NodeIndex::attach(Bucket& bucket) {
  if (!bucket.servers.empty()) {
    by_counts_[bucket.node->counts].insert(&bucket);
  }
}

void NodeIndex::detach(Bucket& bucket) {
  if (!bucket.servers.empty()) {
    const auto alike = by_counts_.find(bucket.node->counts);
    alike->second.erase(&bucket);
    if (alike->second.empty()) {
      by_counts_.erase(alike);
    }
  }
}

void NodeIndex::insert(Candidate& server, Node& node) {
  std::unique_ptr<Bucket>& bucket = buckets_[&node];
  if (bucket == nullptr) {
    bucket = std::make_unique<Bucket>(Bucket{this, &node, {}});
    node.buckets.push_back(bucket.get());
  }
  // Buckets are sorted by their first servers: that one may not change meanwhile.
  const bool becomes_first = bucket->servers.empty() || ByName()(&server, *bucket->servers.begin());
  if (becomes_first) {
    detach(*bucket);
  }
  bucket->servers.insert(&server);
  if (becomes_first) {
    attach(*bucket);
  }
}

void NodeIndex::erase(Candidate& server, Node& node) {
  Bucket& bucket = *buckets_.at(&node);
  const bool is_first = *bucket.servers.begin() == &server;
  if (is_first) {
    detach(bucket);
  }
  bucket.servers.erase(&server);
  if (is_first) {
    attach(bucket);
  }
}

Candidate* NodeIndex::first() const {
  return by_counts_.empty() ? nullptr : *(*by_counts_.begin()->second.begin())->servers.begin();
}

}  // namespace agones::local
