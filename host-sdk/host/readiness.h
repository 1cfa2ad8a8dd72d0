// SPDX-License-Identifier: Apache-2.0
// The one file descriptor that is readable while there is something to poll, whichever plugins there are.
#pragma once

#include <chrono>

#include "platform/notify_fd.h"
#include "platform/wakeup_fd.h"

namespace agones::host {

class Readiness {
 public:
  // `notify_fd`: the host's, or -1. Throws std::system_error.
  explicit Readiness(int notify_fd);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  int fd() const { return epoll_; }

  // A plugin's wake-up fd, from now on or no longer.
  void watch(int fd);
  void forget(int fd);

  // The swap wants to go on. Any thread.
  void tell() const;
  // It is being seen to.
  void clear() const { own_.clear(); }
  // Until something is readable or the time has passed; negative: for ever.
  void wait(std::chrono::milliseconds time) const;

 private:
  const plugin::WakeupFd own_;
  const plugin::NotifyFd notify_;
  const int epoll_;
};

}  // namespace agones::host
