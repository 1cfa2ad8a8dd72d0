// SPDX-License-Identifier: Apache-2.0
// Tells who waits in proc_shutdown that something has ended. It may be missed: waits are short.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/time.h"

namespace agones::plugin {

class Progress {
 public:
  void tell() noexcept { changed_.notify_all(); }
  void wait(milliseconds most) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, most);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace agones::plugin
