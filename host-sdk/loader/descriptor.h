// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

namespace agones {

// A file descriptor, closed at the end; negative: none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace agones
