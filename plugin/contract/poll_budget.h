// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace agones::plugin {

// How long a poll may take, and what came of it.
struct Spell {
  std::uint32_t max_events = 0;  // 0: all that wait
  std::chrono::microseconds max_time{0};
  std::chrono::milliseconds wait{0};
  std::uint32_t delivered = 0;
  bool more = false;

  static Spell of(std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms) {
    Spell spell;
    spell.max_events = max_events;
    spell.max_time = std::chrono::microseconds(max_time_us);
    spell.wait = std::chrono::milliseconds(wait_ms);
    return spell;
  }

  // Also of a spell that failed: what was handed out is handed out. NULL is allowed.
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
