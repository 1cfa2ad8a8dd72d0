// SPDX-License-Identifier: Apache-2.0
// Deadlines of requests: a hierarchical timing wheel with a tick of one millisecond. Adding and
// removing cost the same however many requests wait. It does not own the requests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/request.h"

namespace agones::plugin {

class DeadlineWheel {
 public:
  explicit DeadlineWheel(TimePoint start) : start_(start) {}

  void add(Request& request);
  void remove(Request& request);

  // Takes out the requests whose deadline is not after `now`, linked by wheel_next. What the caller can't end is to be
  // added again.
  Request* expire(TimePoint now);

  // A time at or before the first deadline, at which expire() makes progress; none if no request waits.
  std::optional<TimePoint> next_wake() const;

  std::size_t size() const { return size_; }

 private:
  // Five levels of 256 slots: 256 ms, 65 s, 4.6 h, 49 days, 34 years.
  static constexpr int kLevels = 5;
  static constexpr int kBits = 8;
  static constexpr std::uint64_t kSlots = 1U << kBits;

  struct Level {
    std::array<Request*, kSlots> heads{};
    std::array<std::uint64_t, kSlots / 64> occupied{};
  };

  std::uint64_t tick_of(TimePoint time) const;
  void link(Request& request, int level, std::uint64_t slot);
  Request* unlink_all(int level, std::uint64_t slot);
  void cascade(int level);

  TimePoint start_;
  std::uint64_t now_tick_ = 0;
  std::array<Level, kLevels> levels_{};
  std::size_t size_ = 0;
};

}  // namespace agones::plugin
