// SPDX-License-Identifier: Apache-2.0
// What remains of the generations that are gone: their counters and the ids they gave out. Not thread-safe.
#pragma once

#include <agones/processor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "host/generation.h"

namespace agones::host {

// A struct of the ABI that is numbers behind its size, also those that a newer plugin has added to it.
template <typename Struct>
class Sum {
 public:
  // `gauges`: how many of its first numbers count what is there; of who has gone nothing is.
  // `more`: how many a newer plugin may have added.
  Sum(std::size_t gauges, std::size_t more)
      : gauges_(gauges), numbers_(sizeof(Struct) / sizeof(std::uint64_t) + more) {}

  // `read(struct)`: fills it, as large as its struct_size says.
  template <typename Read>
  void add(const Read& read) {
    std::vector<std::uint64_t> buffer(numbers_.size());
    auto* filled = reinterpret_cast<Struct*>(buffer.data());
    filled->struct_size = static_cast<std::uint32_t>(buffer.size() * sizeof(std::uint64_t));
    read(*filled);
    for (std::size_t i = 1; i < numbers_.size(); ++i) {
      numbers_[i] += buffer[i];
    }
  }
  void drop_gauges() { std::fill_n(numbers_.begin() + 1, gauges_, 0); }
  // As much as the host's struct has room for; what nobody knows of it is 0.
  void write(Struct& out) const {
    auto* bytes = reinterpret_cast<char*>(&out);
    const std::size_t room = out.struct_size;
    const std::size_t known = std::min(room, numbers_.size() * sizeof(std::uint64_t));
    out.reserved = 0;
    std::memcpy(bytes + sizeof(std::uint64_t), numbers_.data() + 1, known - sizeof(std::uint64_t));
    std::memset(bytes + known, 0, room - known);
  }

 private:
  std::size_t gauges_;
  std::vector<std::uint64_t> numbers_;  // the first stands for struct_size and `reserved`
};

class StatsSum : public Sum<proc_stats> {
 public:
  StatsSum();
  void add(const Generation& generation);
};

class MetricsSum : public Sum<proc_metrics> {
 public:
  MetricsSum();
  void add(const Generation& generation);
};

class History {
 public:
  void add(const Generation& generation);

  const StatsSum& stats() const { return stats_; }
  const MetricsSum& metrics() const { return metrics_; }
  bool gave_out(std::uint64_t id) const;

 private:
  StatsSum stats_;
  MetricsSum metrics_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ids_;  // first and last
};

// How many ids a generation has used.
std::uint64_t ids_used(const proc_stats& stats);

}  // namespace agones::host
