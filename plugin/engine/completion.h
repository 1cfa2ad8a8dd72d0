// SPDX-License-Identifier: Apache-2.0
// How a request ended, on its way from the engine to proc_poll.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agones/processor.h"
#include "engine/request.h"

namespace agones::plugin {

struct Completion {
  RequestPtr request;  // null for an orphan
  std::uint64_t request_id = 0;
  std::uint64_t batch_id = 0;
  proc_outcome outcome = 0;  // 0 for an orphan
  proc_delivery delivery = 0;
  std::int32_t code = 0;
  TimePoint ended;
  // ALLOCATED and orphans: the AllocationResponse. REJECTED and DISCONNECTED: text. Points into the
  // block's storage or to a literal.
  std::string_view payload;
};

// Completions that share the message they came from. Not movable: payloads point into it.
struct CompletionBlock {
  CompletionBlock() = default;
  explicit CompletionBlock(std::string bytes) : storage(std::move(bytes)) {}
  CompletionBlock(const CompletionBlock&) = delete;
  CompletionBlock& operator=(const CompletionBlock&) = delete;

  const std::string storage;
  std::vector<Completion> items;
};

}  // namespace agones::plugin
