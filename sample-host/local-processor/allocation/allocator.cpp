// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/allocator.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <numeric>

#include "local-processor/allocation/validation.h"

namespace agones::local {

namespace {

using allocation::AllocationRequest;

constexpr int kRequestsOfAList = 100;
constexpr int kMostWrites = 5;
constexpr char kLastAllocated[] = "agones.dev/last-allocated";

std::string key_of(const std::string& space, const std::string& name) {
  return space + "/" + name;
}

// A name with a slash in it would be ambiguous, but Kubernetes has none.
std::string key_of(const GameServer& server) {
  return key_of(server.space, server.name);
}

void apply(const AllocationRequest& request, std::chrono::system_clock::time_point now, GameServer& server,
           Warnings& warnings) {
  const allocation::MetaPatch& patch = patch_of(request);
  for (const auto& [key, value] : patch.labels()) {
    server.labels[key] = value;
  }
  for (const auto& [key, value] : patch.annotations()) {
    server.annotations[key] = value;
  }
  server.annotations[kLastAllocated] = rfc3339(now);
  server.state = GameServerState::kAllocated;
  act_on_counters(request, server, warnings);
  act_on_lists(request, server, warnings);
}

}  // namespace

Allocator::Allocator(Rules rules, std::uint32_t seed) : rules_(std::move(rules)), random_(seed), candidates_(seed) {}

const Candidate& Allocator::put(GameServer server, std::size_t tag) {
  remove(server.space, server.name);
  auto added = std::make_shared<Candidate>(std::move(server), tag);
  servers_[key_of(*added)] = added;
  bring_up_to_date(*added);
  return *added;
}

void Allocator::remove(const std::string& space, const std::string& name) {
  const auto found = servers_.find(key_of(space, name));
  if (found != servers_.end()) {
    Candidate& server = *found->second;
    candidates_.remove(server);
    candidates_.count(server, server.counted, -1);
    server.gone = true;
    servers_.erase(found);
  }
}

const Candidate* Allocator::find(const std::string& space, const std::string& name) const {
  const auto found = servers_.find(key_of(space, name));
  return found == servers_.end() ? nullptr : found->second.get();
}

void Allocator::bring_up_to_date(Candidate& server) {
  candidates_.count(server, server.counted, -1);
  server.counted = server.state;
  candidates_.count(server, server.counted, 1);
  candidates_.add(server);
}

void Allocator::begin_list() {
  for (const auto& server : settled_) {
    if (!server->gone) {
      bring_up_to_date(*server);
    }
  }
  settled_.clear();
  list_requests_ = 0;
}

void Allocator::use_list_of(const SortKey& key) {
  if (list_requests_ == kRequestsOfAList || !(key == list_key_)) {
    begin_list();
    list_key_ = key;
  }
  ++list_requests_;
}

void Allocator::settle(const std::shared_ptr<Candidate>& allocated) {
  settled_.push_back(allocated);
}

Decision Allocator::decide(const AllocationRequest& request, Time now, allocation::AllocationResponse& response) {
  if (rules_.batches) {
    AllocationResult result;
    return decide_batch({{&request, &response, &result}}, now).front();
  }
  return decide_one(request, now, response);
}

Decision Allocator::decide_one(const AllocationRequest& sent, Time now, allocation::AllocationResponse& response) {
  AllocationRequest without_counts;
  if (!rules_.counts_and_lists) {
    without_counts = sent;
    drop_counts_and_lists(without_counts);
  }
  const AllocationRequest& request = rules_.counts_and_lists ? sent : without_counts;
  const std::string problem = validate(request);
  if (!problem.empty()) {
    Decision refused;
    refused.result = {grpc::StatusCode::INVALID_ARGUMENT, problem};
    return refused;
  }
  return request.multiclustersetting().enabled() ? decide_by_policies(request, now, response)
                                                 : decide_here(request, request.namespace_(), now, response);
}

Decision Allocator::decide_here(const AllocationRequest& request, const std::string& space, Time now,
                                allocation::AllocationResponse& response) {
  if (rules_.batches) {
    return decide_in_memory(request, space, now, response);
  }
  Decision decision;
  const SortKey key = sort_key_of(request);
  const Selectors selectors = selectors_of(request);
  while (decision.writes < kMostWrites) {
    use_list_of(key);
    Candidate* const found = candidates_.find(space, selectors, key);
    if (found == nullptr) {
      decision.result = none_left(rules_.unallocated_http_status);
      return decision;
    }
    candidates_.remove(*found);
    const std::shared_ptr<Candidate> picked = found->shared_from_this();
    ++decision.writes;
    const Write fate = fate_ == nullptr ? Write::kOk : fate_();
    if (fate == Write::kOk) {
      allocate(request, now, picked, response, decision);
      return decision;
    }
    (fate == Write::kConflict ? settled_ : lost_).push_back(picked);
    // The next choice is a fresh one.
    begin_list();
  }
  // The cache is synchronised: what was out of sight is there again.
  settled_.insert(settled_.end(), lost_.begin(), lost_.end());
  lost_.clear();
  decision.result = {grpc::StatusCode::INTERNAL, "could not update the selected GameServer"};
  return decision;
}

void Allocator::allocate(const AllocationRequest& request, Time now, const std::shared_ptr<Candidate>& picked,
                         allocation::AllocationResponse& response, Decision& decision) {
  apply(request, now, *picked, decision.warnings);
  write_response(*picked, response);
  if (!rules_.counts_and_lists) {
    response.clear_counters();
    response.clear_lists();
  }
  decision.allocated = picked;
}

// The server stays where the batch's next requests find it.
Decision Allocator::decide_in_memory(const AllocationRequest& request, const std::string& space, Time now,
                                     allocation::AllocationResponse& response) {
  Decision decision;
  Candidate* const found = candidates_.find(space, selectors_of(request), sort_key_of(request));
  if (found == nullptr) {
    decision.result = none_left(rules_.unallocated_http_status);
    return decision;
  }
  candidates_.remove(*found);
  before_.try_emplace(found, *found);
  allocate(request, now, found->shared_from_this(), response, decision);
  bring_up_to_date(*found);
  return decision;
}

std::vector<Decision> Allocator::decide_batch(const std::vector<Errand>& errands, Time now) {
  std::vector<Decision> decisions(errands.size());
  std::vector<std::size_t> open(errands.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  for (int round = 0; round < kMostWrites && !open.empty(); ++round) {
    begin_list();
    std::vector<std::size_t> decided;
    for (const std::size_t i : open) {
      const int writes = decisions[i].writes;
      decisions[i] = decide_one(*errands[i].request, now, *errands[i].response);
      decisions[i].writes = writes;
      if (decisions[i].allocated != nullptr) {
        decided.push_back(i);
      }
    }
    open = write_batch(errands, decided, decisions);
  }
  settled_.insert(settled_.end(), lost_.begin(), lost_.end());
  lost_.clear();
  for (std::size_t i = 0; i < errands.size(); ++i) {
    *errands[i].result = decisions[i].result;
  }
  return decisions;
}

// Writes each server once; those whose write failed are as they were before, and what had them is returned.
std::vector<std::size_t> Allocator::write_batch(const std::vector<Errand>& errands,
                                                const std::vector<std::size_t>& decided,
                                                std::vector<Decision>& decisions) {
  std::unordered_map<Candidate*, Write> fates;
  std::vector<std::size_t> failed;
  for (const std::size_t i : decided) {
    const std::shared_ptr<Candidate> server = decisions[i].allocated;
    const auto [fate, is_first] = fates.try_emplace(server.get(), Write::kOk);
    if (is_first) {
      fate->second = fate_ == nullptr ? Write::kOk : fate_();
      ++decisions[i].writes;
      candidates_.remove(*server);
      if (fate->second != Write::kOk) {
        static_cast<GameServer&>(*server) = before_.at(server.get());
        candidates_.count(*server, server->counted, -1);
        server->counted = server->state;
        candidates_.count(*server, server->counted, 1);
        (fate->second == Write::kConflict ? settled_ : lost_).push_back(server);
      }
    }
    if (fate->second != Write::kOk) {
      errands[i].response->Clear();
      decisions[i].allocated = nullptr;
      decisions[i].warnings.clear();
      decisions[i].result =
          fate->second == Write::kConflict
              ? none_left(rules_.unallocated_http_status)
              : AllocationResult{grpc::StatusCode::INTERNAL, "could not update the selected GameServer"};
      failed.push_back(i);
    }
  }
  before_.clear();
  return failed;
}

Decision Allocator::decide_by_policies(const AllocationRequest& request, Time now,
                                       allocation::AllocationResponse& response) {
  Decision decision;
  const std::string problem = problem_of_label_selector(request.multiclustersetting().policyselector());
  if (!problem.empty()) {
    decision.result = {grpc::StatusCode::INTERNAL, problem};
    return decision;
  }
  const std::vector<const Policy*> policies = policies_for(request, rules_.policies);
  if (policies.empty()) {
    decision.result = {grpc::StatusCode::INTERNAL, "no multi-cluster allocation policy is specified"};
    return decision;
  }
  for (const Policy* policy : order_of_clusters(policies, random_)) {
    if (policy->endpoints.empty()) {
      decision = decide_here(request, policy->target_space, now, response);
    } else {
      // Other clusters are reached with a secret, and here there are none.
      decision.result = {grpc::StatusCode::INTERNAL, "secret \"" + policy->secret + "\" not found"};
    }
    if (decision.result.code == grpc::StatusCode::OK) {
      break;
    }
  }
  return decision;
}

std::vector<const GameServer*> Allocator::sorted(const std::string& space, const SortKey& key) {
  begin_list();
  return candidates_.sorted(space, key);
}

}  // namespace agones::local
