// SPDX-License-Identifier: Apache-2.0
// What proc_get_metrics shows, beside the counters. The engine writes; any thread reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agones/processor.h"
#include "engine/counters.h"
#include "engine/histogram.h"

namespace agones::plugin {

struct Metrics {
  Histogram answer_time;
  Histogram queue_time;
  Histogram batch_time;
  Histogram batch_size;
  Histogram queue_depth;
  std::array<Counter, PROC_GRPC_CODES> rejected;  // by gRPC status code

  void reject(std::int32_t code) {
    constexpr std::int32_t kUnknown = 2;
    rejected[static_cast<std::size_t>(code >= 0 && code < PROC_GRPC_CODES ? code : kUnknown)].add();
  }

  void read(proc_metrics& out) const {
    answer_time.read(out.answer_time_us);
    queue_time.read(out.queue_time_us);
    batch_time.read(out.batch_time_us);
    batch_size.read(out.batch_size);
    queue_depth.read(out.queue_depth);
    for (std::size_t code = 0; code < rejected.size(); ++code) {
      out.rejected[code] = rejected[code].get();
    }
  }
};

}  // namespace agones::plugin
