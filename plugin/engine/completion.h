// SPDX-License-Identifier: Apache-2.0
// How a request ended, on its way from the engine to proc_poll.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agones/processor.h"
#include "engine/queued_event.h"
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

// Completions that share the message they came from. Payloads point into it.
class CompletionBlock : public QueuedEvent {
 public:
  // Of kind kHandedOver: requests that another client is to take, unless it does not.
  explicit CompletionBlock(std::string bytes = {}, Kind its_kind = Kind::kCompletions);

  std::string_view storage() const { return storage_; }
  // Makes room for so many items, so that adding them can't fail.
  void reserve(std::size_t count) { items.reserve(count); }
  // Keeps no more of a long message than the payloads need.
  void compact() noexcept;
  // The memory that it holds until it was polled.
  std::size_t bytes() const;

  std::vector<Completion> items;

 private:
  std::string storage_;
};

}  // namespace agones::plugin
