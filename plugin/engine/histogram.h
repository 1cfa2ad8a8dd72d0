// SPDX-License-Identifier: Apache-2.0
// How often each value came, with two significant digits. Log-linear: numbers up to 100 have a bucket each, every further
// power of ten 90. Fixed memory; one writer, any readers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agones/processor.h"
#include "engine/counters.h"

namespace agones::plugin {

class Histogram {
 public:
  static constexpr std::size_t kBuckets = PROC_HISTOGRAM_BUCKETS;

  void record(std::uint64_t value) {
    buckets_[bucket_of(value)].add();
    sum_.add(value);
  }

  void read(proc_histogram& out) const {
    out.count = 0;
    out.sum = sum_.get();
    for (std::size_t i = 0; i < kBuckets; ++i) {
      out.buckets[i] = buckets_[i].get();
      out.count += out.buckets[i];
    }
  }

  // agones/histogram.hpp has the other direction.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value == 0) {
      return 0;
    }
    std::uint64_t below = value - 1;
    if (below >= kTooLarge) {
      return kBuckets - 1;
    }
    std::size_t first = 1;
    while (below >= 100) {
      below /= 10;
      first += 90;
    }
    return first + static_cast<std::size_t>(below);
  }

 private:
  static constexpr std::uint64_t kTooLarge = 1'000'000'000;

  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

}  // namespace agones::plugin
