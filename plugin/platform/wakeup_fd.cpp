// SPDX-License-Identifier: Apache-2.0
#include "platform/wakeup_fd.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <system_error>

namespace agones::plugin {

WakeupFd::WakeupFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

WakeupFd::~WakeupFd() {
  close(fd_);
}

void WakeupFd::set() const {
  const std::uint64_t one = 1;
  // Can fail only when the counter is full, and then the fd is readable already.
  [[maybe_unused]] const auto written = write(fd_, &one, sizeof(one));
}

void WakeupFd::clear() const {
  std::uint64_t count = 0;
  // Can fail only when the counter is 0 already.
  [[maybe_unused]] const auto got = read(fd_, &count, sizeof(count));
}

void WakeupFd::wait(std::chrono::milliseconds time) const {
  wait_readable(fd_, time);
}

void wait_readable(int fd, std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + time;
  pollfd watched{fd, POLLIN, 0};
  for (;;) {
    int timeout = -1;
    if (time.count() >= 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
      timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
    }
    if (poll(&watched, 1, timeout) >= 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace agones::plugin
