// SPDX-License-Identifier: Apache-2.0
// What remains of the generations that are gone: their counters and the ids they gave out. Not thread-safe.
#pragma once

#include <agones/processor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "host/generation.h"

namespace agones::host {

// A proc_stats as numbers, also those that a newer plugin has added to it.
class StatsSum {
 public:
  void add(const Generation& generation);
  // Gauges count what is there; of who has gone nothing is.
  void drop_gauges();
  // As much as the host's struct has room for.
  void write(proc_stats& stats) const;
  std::uint64_t operator[](std::size_t index) const { return numbers_[index]; }

 private:
  static constexpr std::size_t kMost = 128;
  std::array<std::uint64_t, kMost> numbers_{};
};

class History {
 public:
  void add(const Generation& generation);

  const StatsSum& stats() const { return stats_; }
  bool gave_out(std::uint64_t id) const;

 private:
  StatsSum stats_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ids_;  // first and last
};

// How many ids a generation has used.
std::uint64_t ids_used(const proc_stats& stats);

}  // namespace agones::host
