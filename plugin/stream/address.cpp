// SPDX-License-Identifier: Apache-2.0
#include "stream/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace agones::plugin {

namespace {

// Empty for what is neither IPv4 nor IPv6.
std::string target_of(const addrinfo& info) {
  const bool is_v6 = info.ai_family == AF_INET6;
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  if ((!is_v6 && info.ai_family != AF_INET) || getnameinfo(info.ai_addr, info.ai_addrlen, host, sizeof(host), port,
                                                           sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return is_v6 ? std::string("ipv6:[") + host + "]:" + port : std::string("ipv4:") + host + ":" + port;
}

std::string words_of(int error) {
  char text[128];
  return error == EAI_SYSTEM ? strerror_r(errno, text, sizeof(text)) : gai_strerror(error);
}

}  // namespace

Resolution resolve(const std::vector<Endpoint>& endpoints, bool literals) {
  Resolution resolution;
  for (const Endpoint& endpoint : endpoints) {
    const std::string authority = host_in_url(endpoint.host) + ":" + endpoint.port;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (literals ? AI_NUMERICHOST : 0);
    addrinfo* list = nullptr;
    const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &list);
    if (error != 0) {
      resolution.unresolved.push_back(authority);
      resolution.problem += resolution.problem.empty() ? "" : "; ";
      resolution.problem += "cannot resolve '" + endpoint.host + "': " + words_of(error);
      continue;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
    for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
      Address address{target_of(*info), endpoint.host.substr(0, endpoint.host.find('%')), authority};
      auto& known = resolution.addresses;
      if (!address.target.empty() && std::find(known.begin(), known.end(), address) == known.end()) {
        known.push_back(std::move(address));
      }
    }
  }
  return resolution;
}

std::string to_grpc_target(const std::string& target) {
  const std::size_t percent = target.find('%');
  return percent == std::string::npos ? target : target.substr(0, percent) + "%25" + target.substr(percent + 1);
}

}  // namespace agones::plugin
