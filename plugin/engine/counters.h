// SPDX-License-Identifier: Apache-2.0
// What proc_get_stats shows. Each Counter has one writer at a time; any thread reads. relaxed: who was handed a result comes after
// what was counted before it was published, and nothing else is promised of two numbers.
#pragma once

#include <atomic>
#include <cstdint>

#include "metrics/stats_table.h"

namespace agones::plugin {

class Counter {
 public:
  void add(std::uint64_t n = 1) { set(get() + n); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// For what several threads count.
class SharedCounter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A number that is counted elsewhere has no counter here.
struct Counters {
#define AGONES_COUNTED_BY_ONE(field) Counter field;
#define AGONES_COUNTED_BY_SEVERAL(field) SharedCounter field;
#define AGONES_COUNTED_BY_ELSEWHERE(field)
#define AGONES_COUNTER(field, counted_by, type, name, outcome, help) AGONES_COUNTED_BY_##counted_by(field)
  AGONES_STATS(AGONES_COUNTER)
#undef AGONES_COUNTED_BY_ONE
#undef AGONES_COUNTED_BY_SEVERAL
#undef AGONES_COUNTED_BY_ELSEWHERE

  void read(proc_stats& stats) const {
#define AGONES_COUNTED_BY_ONE(field) stats.field = field.get();
#define AGONES_COUNTED_BY_SEVERAL(field) stats.field = field.get();
#define AGONES_COUNTED_BY_ELSEWHERE(field)
    AGONES_STATS(AGONES_COUNTER)
#undef AGONES_COUNTER
#undef AGONES_COUNTED_BY_ONE
#undef AGONES_COUNTED_BY_SEVERAL
#undef AGONES_COUNTED_BY_ELSEWHERE
  }
};

}  // namespace agones::plugin
