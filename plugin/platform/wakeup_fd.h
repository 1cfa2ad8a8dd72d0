// SPDX-License-Identifier: Apache-2.0
// An eventfd that is readable while there is something to poll.
#pragma once

#include <chrono>

namespace agones::plugin {

class WakeupFd {
 public:
  WakeupFd();  // throws std::system_error
  ~WakeupFd();
  WakeupFd(const WakeupFd&) = delete;
  WakeupFd& operator=(const WakeupFd&) = delete;

  int fd() const { return fd_; }
  void set() const;
  void clear() const;
  // Until it is set or the time has passed; negative waits for ever.
  void wait(std::chrono::milliseconds time) const;

 private:
  int fd_;
};

// Until the descriptor is readable or the time has passed; negative waits for ever.
void wait_readable(int fd, std::chrono::milliseconds time);

}  // namespace agones::plugin
