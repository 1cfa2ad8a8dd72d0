// SPDX-License-Identifier: Apache-2.0
#include "check/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace check {

namespace {

using Clock = std::chrono::steady_clock;

// The preface, and empty settings.
constexpr char kHttp2Start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
constexpr char kSettingsFrame = 4;
constexpr char kTlsAlert = 0x15;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

  // False: the time is over.
  bool wait_for(short events, Clock::time_point end) const {
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
      pollfd watched{fd_, events, 0};
      const int ready = poll(&watched, 1, left > 0 ? static_cast<int>(left) : 0);
      if (ready > 0) {
        return true;
      }
      if (ready == 0 || errno != EINTR) {
        return false;
      }
    }
  }

 private:
  int fd_;
};

std::pair<std::string, std::string> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.front() == '[') {
    host = host.substr(1, host.size() - 2);
  }
  return {host, address.substr(colon + 1)};
}

AddressList look_up(const std::string& host, const std::string& port, int flags, std::string& problem) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) {
    problem = error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error);
    return nullptr;
  }
  return AddressList(list);
}

Speaks listen_to(const Socket& socket, Clock::time_point end) {
  if (send(socket.fd(), kHttp2Start, sizeof(kHttp2Start) - 1, MSG_NOSIGNAL) < 0) {
    return Speaks::kNothing;
  }
  char answer[9] = "";
  std::size_t got = 0;
  while (got < sizeof answer) {
    if (!socket.wait_for(POLLIN, end)) {
      break;
    }
    const ssize_t more = recv(socket.fd(), answer + got, sizeof answer - got, 0);
    if (more <= 0) {
      break;
    }
    got += static_cast<std::size_t>(more);
  }
  if (got == 0) {
    return Speaks::kNothing;
  }
  if (answer[0] == kTlsAlert) {
    return Speaks::kTls;
  }
  return got >= 4 && answer[3] == kSettingsFrame ? Speaks::kPlaintextHttp2 : Speaks::kSomethingElse;
}

}  // namespace

Connection connect_to(const std::string& address, std::chrono::milliseconds patience) {
  Connection connection;
  const auto [host, port] = split(address);
  const AddressList list = look_up(host, port, AI_NUMERICHOST | AI_NUMERICSERV, connection.problem);
  if (list == nullptr) {
    return connection;
  }
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + patience;
  const Socket socket(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int error = 0;
  if (connect(socket.fd(), list->ai_addr, list->ai_addrlen) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      socklen_t size = sizeof error;
      connection.timed_out = !socket.wait_for(POLLOUT, end);
      getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  connection.refused = error == ECONNREFUSED;
  if (connection.timed_out || error != 0) {
    connection.problem = connection.timed_out ? "no answer" : std::strerror(error);
    return connection;
  }
  connection.time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  connection.speaks = listen_to(socket, end);
  return connection;
}

}  // namespace check
