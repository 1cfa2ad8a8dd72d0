// SPDX-License-Identifier: Apache-2.0
// What waits to be polled. It is its own place in the queue, so that handing it over needs no memory.
#pragma once

#include <cstdint>

namespace agones::plugin {

struct QueuedEvent {
  enum class Kind : std::uint8_t { kCompletions, kHandedOver, kState, kLog };

  explicit QueuedEvent(Kind its_kind) : kind(its_kind) {}
  virtual ~QueuedEvent() = default;
  QueuedEvent(const QueuedEvent&) = delete;
  QueuedEvent& operator=(const QueuedEvent&) = delete;

  const Kind kind;
  QueuedEvent* next = nullptr;
};

}  // namespace agones::plugin
