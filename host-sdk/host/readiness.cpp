// SPDX-License-Identifier: Apache-2.0
#include "host/readiness.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace agones::host {

namespace {

int make_epoll() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
  return fd;
}

}  // namespace

Readiness::Readiness(int notify_fd) : notify_(notify_fd), epoll_(make_epoll()) {
  watch(own_.fd());
}

Readiness::~Readiness() {
  close(epoll_);
}

void Readiness::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Readiness::forget(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void Readiness::tell() const {
  own_.set();
  notify_.set();
}

void Readiness::wait(std::chrono::milliseconds time) const {
  plugin::wait_readable(epoll_, time);
}

}  // namespace agones::host
