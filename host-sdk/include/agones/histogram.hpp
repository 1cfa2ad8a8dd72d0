// SPDX-License-Identifier: Apache-2.0
// Reads proc_histogram.
#pragma once

#include <agones/processor.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace agones {

// The largest value that a bucket counts; of the last bucket, which has none, the largest number.
inline std::uint64_t upper_bound(std::size_t bucket) {
  if (bucket >= PROC_HISTOGRAM_BUCKETS - 1) {
    return UINT64_MAX;
  }
  std::uint64_t scale = 1;
  for (; bucket > 100; bucket -= 90) {
    scale *= 10;
  }
  return bucket * scale;
}

// What came between two readings, of which `now` takes the place of `last`.
inline void take_since_last(const proc_histogram& now, proc_histogram& last, proc_histogram& between) {
  between.count = now.count - last.count;
  between.sum = now.sum - last.sum;
  for (std::size_t bucket = 0; bucket < PROC_HISTOGRAM_BUCKETS; ++bucket) {
    between.buckets[bucket] = now.buckets[bucket] - last.buckets[bucket];
  }
  last = now;
}

// The value that this share of the values, from 0 to 1, is not above, to two digits; 0 if there are none.
inline std::uint64_t quantile(const proc_histogram& histogram, double share) {
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(histogram.count)));
  std::uint64_t seen = 0;
  std::uint64_t bound = 0;
  for (std::size_t bucket = 0; bucket < PROC_HISTOGRAM_BUCKETS && seen < rank; ++bucket) {
    seen += histogram.buckets[bucket];
    bound = histogram.buckets[bucket] != 0 ? upper_bound(bucket) : bound;
  }
  return bound;
}

}  // namespace agones
