// SPDX-License-Identifier: Apache-2.0
// What the benchmark measures with, and the request that it sends.
#pragma once

#include <allocation/allocation.pb.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace agones::test {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// User and system time of this process.
double cpu_seconds();
// Of the calling thread.
double thread_cpu_seconds();
// The most memory that was ever resident.
std::size_t peak_bytes();
// `share` from 0 to 1; the values are sorted by it.
double percentile(std::vector<double>& values, double share);

// About 170 bytes: namespace, two labels, one metadata label, one annotation.
void fill(allocation::AllocationRequest& request);
std::string encoded_request();
// The same as JSON.
std::string request_as_json();

}  // namespace agones::test
