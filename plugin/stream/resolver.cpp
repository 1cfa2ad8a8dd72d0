// SPDX-License-Identifier: Apache-2.0
#include "stream/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "platform/library_state.h"
#include "platform/thread.h"
#include "text/english.h"

namespace agones::plugin {

namespace {

std::string target_of(const addrinfo& info) {
  char text[INET6_ADDRSTRLEN] = {};
  if (info.ai_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(info.ai_addr);
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
    return std::string("ipv4:") + text + ":" + std::to_string(ntohs(address->sin_port));
  }
  const auto* address = reinterpret_cast<const sockaddr_in6*>(info.ai_addr);
  inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof(text));
  return std::string("ipv6:[") + text + "]:" + std::to_string(ntohs(address->sin6_port));
}

std::string authority_of(const Endpoint& endpoint) {
  return endpoint.host + ":" + endpoint.port;
}

Resolution resolve(const std::vector<Endpoint>& endpoints, int flags) {
  Resolution resolution;
  for (const Endpoint& endpoint : endpoints) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &list);
    if (error != 0) {
      resolution.unresolved.push_back(authority_of(endpoint));
      resolution.problem += resolution.problem.empty() ? "" : "; ";
      resolution.problem += "cannot resolve '" + endpoint.host + "': " + gai_strerror(error);
      continue;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
    for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
      if (info->ai_family != AF_INET && info->ai_family != AF_INET6) {
        continue;
      }
      Address address{target_of(*info), endpoint.host, authority_of(endpoint)};
      if (std::find(resolution.addresses.begin(), resolution.addresses.end(), address) == resolution.addresses.end()) {
        resolution.addresses.push_back(std::move(address));
      }
    }
  }
  return resolution;
}

}  // namespace

// What a look-up's thread and the resolver share; it outlives either.
class Resolver::LookUp {
 public:
  LookUp(std::vector<Endpoint> endpoints, std::function<void()> done)
      : endpoints_(std::move(endpoints)), done_(std::move(done)) {}

  // On the look-up's thread.
  void run() {
    Resolution resolution;
    try {
      resolution = resolve(endpoints_, 0);
    } catch (const std::bad_alloc&) {
      resolution = Resolution{};
      resolution.unknown = true;
      resolution.problem = "no memory";  // short enough to need none
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (abandoned_) {
      library_state::left_thread_ends();
      return;
    }
    result_ = std::move(resolution);
    done_();
  }

  std::optional<Resolution> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }

  void abandon() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!result_) {
      abandoned_ = true;
      library_state::thread_left();
    }
  }

 private:
  const std::vector<Endpoint> endpoints_;
  const std::function<void()> done_;
  std::mutex mutex_;
  std::optional<Resolution> result_;
  bool abandoned_ = false;
};

Resolver::Resolver(std::vector<Endpoint> endpoints, std::function<void()> done)
    : endpoints_(std::move(endpoints)), done_(std::move(done)) {}

Resolver::~Resolver() {
  abandon();
}

void Resolver::start() {
  if (running()) {
    return;
  }
  // IP addresses alone need no look-up, which could block, and so no thread.
  Resolution literal = resolve(endpoints_, AI_NUMERICHOST);
  if (literal.problem.empty()) {
    result_ = std::move(literal);
    return;
  }
  try {
    auto look_up = std::make_shared<LookUp>(endpoints_, done_);
    Thread("proc-resolver", [look_up] { look_up->run(); }).leave();
    under_way_ = std::move(look_up);
  } catch (const std::system_error& error) {
    result_ = Resolution{};
    result_->unknown = true;
    result_->problem = std::string("cannot start a thread to look up names: ") + text_of(error);
  }
}

std::optional<Resolution> Resolver::take() {
  if (result_) {
    return std::exchange(result_, std::nullopt);
  }
  std::optional<Resolution> result;
  if (under_way_ != nullptr) {
    result = under_way_->take();
  }
  if (result) {
    under_way_.reset();
  }
  return result;
}

void Resolver::abandon() noexcept {
  if (under_way_ != nullptr) {
    under_way_->abandon();
    under_way_.reset();
  }
}

}  // namespace agones::plugin
