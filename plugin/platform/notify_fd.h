// SPDX-License-Identifier: Apache-2.0
// The host's own file descriptor that is told when there is something to poll (proc_config.notify_fd).
#pragma once

#include "base/result.h"

namespace agones::plugin {

class NotifyFd {
 public:
  explicit NotifyFd(int fd) : fd_(fd) {}
  // Whether this descriptor can be used, and why not. -1: none is given.
  static Result check(int fd);

  // Never blocks, raises no SIGPIPE.
  void set() const noexcept;

 private:
  int fd_;
};

}  // namespace agones::plugin
