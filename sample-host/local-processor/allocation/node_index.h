// SPDX-License-Identifier: Apache-2.0
// Game servers by node, the fullest node first: the order of Packed. The first is found at once, and a node whose counts
// change is moved as a whole, however many servers are on it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "local-processor/allocation/candidate.h"

namespace agones::local {

// Byte by byte.
struct ByName {
  bool operator()(const Candidate* a, const Candidate* b) const { return a->name < b->name; }
};
using ServersByName = std::set<Candidate*, ByName>;

// How many servers of all namespaces are in these states on a node; fuller ones come first.
struct NodeCounts {
  std::int64_t allocated = 0;
  std::int64_t ready = 0;

  bool operator<(const NodeCounts& other) const {
    return allocated != other.allocated ? allocated > other.allocated : ready > other.ready;
  }
};

class NodeIndex;
struct Node;

// The servers of an index that are on one node.
struct Bucket {
  NodeIndex* index;
  Node* node;
  ServersByName servers;
};

struct Node {
  NodeCounts counts;
  std::vector<Bucket*> buckets;  // of all indexes
};

// Keeps the indexes in order.
void set_counts(Node& node, const NodeCounts& counts);

class NodeIndex {
 public:
  NodeIndex() = default;
  ~NodeIndex();
  NodeIndex(const NodeIndex&) = delete;
  NodeIndex& operator=(const NodeIndex&) = delete;

  void insert(Candidate& server, Node& node);
  void erase(Candidate& server, Node& node);
  // Null if there are none.
  Candidate* first() const;

 private:
  friend void set_counts(Node& node, const NodeCounts& counts);

  struct ByFirstServer {
    bool operator()(const Bucket* a, const Bucket* b) const {
      return ByName()(*a->servers.begin(), *b->servers.begin());
    }
  };

  // A bucket without servers is nowhere.
  void attach(Bucket& bucket);
  void detach(Bucket& bucket);

  std::unordered_map<Node*, std::unique_ptr<Bucket>> buckets_;
  // Nodes of equal counts are not told apart.
  std::map<NodeCounts, std::set<Bucket*, ByFirstServer>> by_counts_;
};

}  // namespace agones::local
