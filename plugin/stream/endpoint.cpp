// SPDX-License-Identifier: Apache-2.0
#include "stream/endpoint.h"

#include <charconv>

namespace agones::plugin {

namespace {

constexpr std::string_view kDefaultPort = "9090";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// False if the text is no endpoint.
bool parse_one(std::string_view text, Endpoint& endpoint) {
  std::string_view port = kDefaultPort;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return false;
    }
    endpoint.host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') {
        return false;
      }
      port = rest.substr(1);
    }
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
      port = text.substr(colon + 1);
      text = text.substr(0, colon);
    }
    endpoint.host = text;  // more than one colon: an IPv6 address without brackets
  }
  endpoint.port = port;
  return !endpoint.host.empty() && endpoint.host.find_first_of(" /@[]\"'") == std::string::npos && is_port(port);
}

}  // namespace

EndpointList parse_endpoints(std::string_view text) {
  EndpointList list;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view one = trim(text.substr(0, comma));
    Endpoint endpoint;
    if (!parse_one(one, endpoint)) {
      list.problem = "'" + std::string(one.substr(0, 100)) + "' is not host:port";
      return list;
    }
    list.endpoints.push_back(std::move(endpoint));
    if (comma == std::string_view::npos) {
      return list;
    }
    text.remove_prefix(comma + 1);
  }
}

}  // namespace agones::plugin
