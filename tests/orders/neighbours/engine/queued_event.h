// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "orders/explorer.h"

namespace agones::plugin {

struct QueuedEvent : orders::Kept {
  enum class Kind : std::uint8_t { kCompletions, kHandedOver, kState, kLog };

  explicit QueuedEvent(Kind its_kind) : kind(its_kind) {}
  virtual ~QueuedEvent() = default;
  QueuedEvent(const QueuedEvent&) = delete;
  QueuedEvent& operator=(const QueuedEvent&) = delete;

  const Kind kind;
  orders::Plain<QueuedEvent*> next{nullptr};
};

}  // namespace agones::plugin
