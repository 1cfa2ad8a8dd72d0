// SPDX-License-Identifier: Apache-2.0
#include "platform/notify_fd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string>
#include <system_error>

#include "text/english.h"

namespace agones::plugin {

namespace {

// A pipe that nobody reads any more raises SIGPIPE in the thread that writes to it, which may be the host's.
void write_without_signal(int fd, const void* data, std::size_t size) {
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  if (write(fd, data, size) < 0 && errno == EPIPE && !was_pending) {
    const timespec at_once{};
    sigtimedwait(&pipe, nullptr, &at_once);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Result NotifyFd::check(int fd) {
  if (fd < 0) {
    return {};
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) {
    return invalid(std::to_string(fd) + ": " + error_text(errno));
  }
  if ((flags & O_ACCMODE) == O_RDONLY) {
    return invalid(std::to_string(fd) + " is not open for writing");
  }
  if ((flags & O_NONBLOCK) == 0) {
    return invalid(std::to_string(fd) + " is blocking; set O_NONBLOCK");
  }
  return {};
}

void NotifyFd::set() const noexcept {
  if (fd_ < 0) {
    return;
  }
  // What fails because it is full is readable already.
  const std::uint64_t one = 1;
  if (send(fd_, &one, sizeof(one), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == ENOTSOCK) {
    write_without_signal(fd_, &one, sizeof(one));
  }
}

}  // namespace agones::plugin
