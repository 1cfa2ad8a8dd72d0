// SPDX-License-Identifier: Apache-2.0
#include "stream/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

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

Resolver::Resolver(std::vector<Endpoint> endpoints, std::function<void()> done)
    : endpoints_(std::move(endpoints)), done_(std::move(done)) {}

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
    thread_ = std::make_unique<Thread>("proc-resolver", [this] { look_up(); });
  } catch (const std::system_error& error) {
    result_ = Resolution{};
    result_->unknown = true;
    result_->problem = std::string("cannot start a thread to look up names: ") + error.what();
  }
}

void Resolver::look_up() {
  Resolution resolution;
  try {
    resolution = resolve(endpoints_, 0);
  } catch (const std::bad_alloc&) {
    resolution = Resolution{};
    resolution.unknown = true;
    resolution.problem = "no memory";  // short enough to need none
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    result_ = std::move(resolution);
  }
  done_();
}

std::string Resolver::names() const {
  std::string names;
  for (const Endpoint& endpoint : endpoints_) {
    names += (names.empty() ? "" : ", ") + endpoint.host;
  }
  return names;
}

std::optional<Resolution> Resolver::take() {
  std::optional<Resolution> result;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    result.swap(result_);
  }
  if (result) {
    thread_.reset();
  }
  return result;
}

}  // namespace agones::plugin
