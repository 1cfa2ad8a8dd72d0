// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/conversion.h"

// Old clients still send the deprecated fields.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace agones::local {

using allocation::AllocationRequest;
using allocation::GameServerSelector;
using allocation::LabelMatchExpressions;

namespace {

void drop(GameServerSelector& selector) {
  selector.clear_counters();
  selector.clear_lists();
}

}  // namespace

void drop_counts_and_lists(AllocationRequest& request) {
  request.clear_counters();
  request.clear_lists();
  request.clear_priorities();
  if (request.has_requiredgameserverselector()) {
    drop(*request.mutable_requiredgameserverselector());
  }
  for (GameServerSelector& selector : *request.mutable_preferredgameserverselectors()) {
    drop(selector);
  }
  for (GameServerSelector& selector : *request.mutable_gameserverselectors()) {
    drop(selector);
  }
}

SortKey sort_key_of(const AllocationRequest& request) {
  SortKey key;
  if (request.scheduling() == AllocationRequest::Distributed) {
    key.scheduling = Scheduling::kDistributed;
  }
  for (const allocation::Priority& priority : request.priorities()) {
    key.priorities.push_back({priority.type() == allocation::Priority::List, priority.key(),
                              priority.order() == allocation::Priority::Descending});
  }
  return key;
}

Selectors selectors_of(const AllocationRequest& request) {
  Selectors selectors;
  for (const GameServerSelector& selector : request.gameserverselectors()) {
    selectors.push_back(&selector);
  }
  if (!selectors.empty()) {
    return selectors;
  }
  for (const GameServerSelector& selector : request.preferredgameserverselectors()) {
    selectors.push_back(&selector);
  }
  // The default instance asks for any ready game server.
  selectors.push_back(&request.requiredgameserverselector());
  return selectors;
}

const allocation::MetaPatch& patch_of(const AllocationRequest& request) {
  return request.has_metadata() ? request.metadata() : request.metapatch();
}

GameServerState state_of(const GameServerSelector& selector) {
  return selector.gameserverstate() == GameServerSelector::ALLOCATED ? GameServerState::kAllocated
                                                                     : GameServerState::kReady;
}

LabelMatchExpressions::Operator operator_of(const LabelMatchExpressions& expression) {
  return LabelMatchExpressions::Operator_IsValid(expression.operator_()) ? expression.operator_()
                                                                         : LabelMatchExpressions::In;
}

}  // namespace agones::local
