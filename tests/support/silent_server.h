// SPDX-License-Identifier: Apache-2.0
// Servers that say nothing.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace agones::test {

// A listener on loopback that accepts nobody by itself: who connects waits in its queue, and hears nothing.
class Listener {
 public:
  explicit Listener(int backlog) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0 || listen(fd_, backlog) != 0) {
      throw std::runtime_error("cannot listen");
    }
    socklen_t size = sizeof address_;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }
  const sockaddr_in& where() const { return address_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  int fd_;
  sockaddr_in address_{};
};

// Its queue is full: whoever connects hears nothing, as behind a firewall that drops packets.
class SilentServer {
 public:
  SilentServer() : listener_(0) {
    bool full = false;
    while (!full) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      waiting_.push_back(fd);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&listener_.where()), sizeof(sockaddr_in)) != 0) {
        pollfd connected{fd, POLLOUT, 0};
        full = poll(&connected, 1, 100) == 0;
      }
    }
  }
  ~SilentServer() {
    for (const int fd : waiting_) {
      close(fd);
    }
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  std::string address() const { return listener_.address(); }

 private:
  Listener listener_;
  std::vector<int> waiting_;
};

}  // namespace agones::test
