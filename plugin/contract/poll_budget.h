// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace agones::plugin {

// How long a poll may take, and what came of it.
struct PollBudget {
  std::uint32_t max_events = 0;  // 0: all that wait
  std::chrono::microseconds max_time{0};
  std::chrono::milliseconds wait{0};
  std::uint32_t delivered = 0;
  bool more = false;

  static PollBudget of(std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms) {
    PollBudget budget;
    budget.max_events = max_events;
    budget.max_time = std::chrono::microseconds(max_time_us);
    budget.wait = std::chrono::milliseconds(wait_ms);
    return budget;
  }

  // Also of a poll that failed: what was handed out is handed out. NULL is allowed.
  void report(std::uint32_t* count, std::uint32_t* rest) const {
    if (count != nullptr) {
      *count = delivered;
    }
    if (rest != nullptr) {
      *rest = more ? 1 : 0;
    }
  }
};

}  // namespace agones::plugin
