// SPDX-License-Identifier: Apache-2.0
// An eventfd as its users may rely on it: the system has a lock around each of its calls.
#pragma once

#include "orders/explorer.h"

namespace agones::plugin {

class WakeupFd {
 public:
  void set() const { readable_.exchange(true, std::memory_order_acq_rel); }
  void clear() const { readable_.exchange(false, std::memory_order_acq_rel); }
  // Whether who waits for it goes on.
  bool readable() const { return readable_.load(std::memory_order_acquire); }
  int fd() const { return -1; }

 private:
  mutable orders::Atomic<bool> readable_{false};
};

}  // namespace agones::plugin
