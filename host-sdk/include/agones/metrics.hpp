// SPDX-License-Identifier: Apache-2.0
// Counters and distributions of one client, or of several added up.
#pragma once

#include <agones/processor.h>
#include <agones/histogram.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace agones {

class Metrics {
 public:
  Metrics() : distributions_(std::make_unique<proc_metrics>()) {
    stats_.struct_size = sizeof(stats_);
    distributions_->struct_size = sizeof(*distributions_);
  }

  proc_stats& stats() { return stats_; }
  const proc_stats& stats() const { return stats_; }
  proc_metrics& distributions() { return *distributions_; }
  const proc_metrics& distributions() const { return *distributions_; }

  Metrics& operator+=(const Metrics& other) {
    add(stats_, other.stats_);
    add(*distributions_, *other.distributions_);
    return *this;
  }

 private:
  // Behind struct_size and `reserved` there are numbers alone.
  template <typename Struct>
  static void add(Struct& sum, const Struct& more) {
    for (std::size_t at = sizeof(std::uint64_t); at < sizeof(Struct); at += sizeof(std::uint64_t)) {
      std::uint64_t a = 0;
      std::uint64_t b = 0;
      std::memcpy(&a, reinterpret_cast<const char*>(&sum) + at, sizeof(a));
      std::memcpy(&b, reinterpret_cast<const char*>(&more) + at, sizeof(b));
      a += b;
      std::memcpy(reinterpret_cast<char*>(&sum) + at, &a, sizeof(a));
    }
  }

  proc_stats stats_{};
  std::unique_ptr<proc_metrics> distributions_;  // too large for a stack
};

}  // namespace agones
