// SPDX-License-Identifier: Apache-2.0
// How many clients a library has in this process, and whether they are another process's: it was forked from that.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "platform/fork_guard.h"

namespace agones::plugin {

class ClientCount {
 public:
  void made() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (guard_ == nullptr || guard_->in_child()) {
      guard_ = std::make_unique<ForkGuard>();
    }
    count_.fetch_add(1);
  }
  void freed() { count_.fetch_sub(1); }
  int count() const { return count_.load(); }

  // This is a child of a process that had clients when it was forked: their threads are not there.
  bool forked_with_clients() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count() != 0 && guard_ != nullptr && guard_->in_child();
  }

 private:
  std::atomic<int> count_{0};
  mutable std::mutex mutex_;
  std::unique_ptr<ForkGuard> guard_;
};

}  // namespace agones::plugin
