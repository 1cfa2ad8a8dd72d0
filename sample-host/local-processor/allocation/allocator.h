// SPDX-License-Identifier: Apache-2.0
// Decides as the allocator of Agones' processor does. No threads, no clock: who calls it says what time it is.
//
// v1.60: requests share a list of candidates, as it was when the list was begun: servers that were allocated since are not on it, and
// come back, in their new state, with the next one.
// Batch (not released; as of autumn 2026): within a batch a server that was allocated stays on the list, in its new state, so that
// several requests can get it. It is written once for all of them; when the write meets a conflict, all of them are decided anew.
#pragma once

#include <allocation/allocation.pb.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "local-processor/allocation/answer.h"
#include "local-processor/allocation/candidates.h"
#include "local-processor/allocation/counts.h"
#include "local-processor/allocation/policies.h"

namespace agones::local {

// What a cluster's operator decides.
struct Rules {
  int unallocated_http_status = 429;
  bool counts_and_lists = true;  // the feature gate
  bool batches = false;          // the allocator that is to come
  std::vector<Policy> policies;
};

// What becomes of writing a game server to the API server.
enum class Write { kOk, kConflict, kError };

struct Decision {
  AllocationResult result;
  std::shared_ptr<Candidate> allocated;  // settle() it, once if several of a batch have it
  int writes = 0;                        // attempts; of a server that several have, all are with the first
  Warnings warnings;
};

// A request of a batch, and where its answer goes.
struct Errand {
  const allocation::AllocationRequest* request;
  allocation::AllocationResponse* response;
  AllocationResult* result;
};

class Allocator {
 public:
  using Time = std::chrono::system_clock::time_point;

  Allocator(Rules rules, std::uint32_t seed);

  // New or changed, by others than this; a candidate at once. `tag`: a number of the caller's.
  const Candidate& put(GameServer server, std::size_t tag = 0);
  void remove(const std::string& space, const std::string& name);
  const Candidate* find(const std::string& space, const std::string& name) const;
  std::size_t size() const { return servers_.size(); }

  // Each write's fate; all go well unless this says otherwise.
  void set_writes(std::function<Write()> fate) { fate_ = std::move(fate); }

  // Nothing was waiting: the next request finds all that was settled.
  void begin_list();
  // `response`, which is empty, is written if a game server was allocated. Where batches are decided as one, a batch of one.
  Decision decide(const allocation::AllocationRequest& request, Time now, allocation::AllocationResponse& response);
  // All of a batch as one: Rules::batches. The results go where the errands say, and are in the decisions, too.
  std::vector<Decision> decide_batch(const std::vector<Errand>& errands, Time now);
  // It was written: seen as allocated from the next list on.
  void settle(const std::shared_ptr<Candidate>& allocated);

  // The namespace's candidates in order.
  std::vector<const GameServer*> sorted(const std::string& space, const SortKey& key);

 private:
  Decision decide_here(const allocation::AllocationRequest& request, const std::string& space, Time now,
                       allocation::AllocationResponse& response);
  Decision decide_by_policies(const allocation::AllocationRequest& request, Time now,
                              allocation::AllocationResponse& response);
  Decision decide_one(const allocation::AllocationRequest& request, Time now, allocation::AllocationResponse& response);
  void allocate(const allocation::AllocationRequest& request, Time now, const std::shared_ptr<Candidate>& picked,
                allocation::AllocationResponse& response, Decision& decision);
  Decision decide_in_memory(const allocation::AllocationRequest& request, const std::string& space, Time now,
                            allocation::AllocationResponse& response);
  std::vector<std::size_t> write_batch(const std::vector<Errand>& errands, const std::vector<std::size_t>& decided,
                                       std::vector<Decision>& decisions);
  void use_list_of(const SortKey& key);
  void bring_up_to_date(Candidate& server);

  Rules rules_;
  std::mt19937_64 random_;
  std::function<Write()> fate_;
  std::unordered_map<std::string, std::shared_ptr<Candidate>> servers_;  // by "namespace/name"
  Candidates candidates_;
  std::vector<std::shared_ptr<Candidate>> settled_;    // since the list was begun
  std::vector<std::shared_ptr<Candidate>> lost_;       // a failed write took them out of sight
  std::unordered_map<Candidate*, GameServer> before_;  // those that the batch has changed, as they were
  SortKey list_key_;
  int list_requests_ = 0;
};

}  // namespace agones::local
