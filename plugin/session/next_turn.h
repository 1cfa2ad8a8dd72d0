// SPDX-License-Identifier: Apache-2.0
// When the link's thread will look for new requests by itself. Whoever submits one that can't wait so long wakes it, and only the
// first one does.
#pragma once

#include <atomic>

#include "base/time.h"

namespace agones::plugin {

class NextTurn {
 public:
  // The link's thread, before its last look at the queue, so that no request can slip in between unseen. seq_cst, as there (and in
  // ManyToOneQueue): who stores here and then looks there, and who pushes there and then looks here, don't both miss the other.
  void promise(TimePoint at) { at_.store(at.time_since_epoch().count(), std::memory_order_seq_cst); }

  // Any thread, after it has put a request into the queue: whether it is to wake the link's.
  bool is_too_late_for(TimePoint deadline) {
    // The exchange only finds out who is the first: any order.
    return deadline.time_since_epoch().count() < at_.load(std::memory_order_seq_cst) && at_.exchange(0) != 0;
  }

 private:
  std::atomic<TimePoint::rep> at_{0};  // in the clock's ticks
};

}  // namespace agones::plugin
