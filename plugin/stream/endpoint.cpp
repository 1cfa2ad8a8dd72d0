// SPDX-License-Identifier: Apache-2.0
#include "stream/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "text/utf8.h"

namespace agones::plugin {

namespace {

constexpr std::string_view kDefaultPort = "9090";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// As they come with a file that was mounted or a variable that was pasted.
constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool begins_with(std::string_view text, std::string_view part) {
  return text.substr(0, part.size()) == part;
}

// The address, perhaps with a zone: "fe80::1%eth0".
bool is_ipv6(std::string_view host) {
  const std::size_t percent = host.find('%');
  const std::string address(host.substr(0, percent));
  in6_addr parsed{};
  return inet_pton(AF_INET6, address.c_str(), &parsed) == 1 &&
         (percent == std::string_view::npos || percent + 1 < host.size());
}

bool is_name(std::string_view host) {
  constexpr std::string_view kNever = "/@[]\"'%?#\\;:";
  return !host.empty() && std::none_of(host.begin(), host.end(), [&](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || kNever.find(c) != std::string_view::npos;
  });
}

// The form that the text has instead, and what to write; empty if it has none that is known.
std::string other_form(std::string_view text) {
  if (text.empty()) {
    return "nothing stands there";
  }
  if (text.find(';') != std::string_view::npos) {
    return "several addresses are separated by commas, not by ';'";
  }
  for (const std::string_view scheme :
       {"dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:", "passthrough:"}) {
    if (begins_with(text, scheme)) {
      return "'" + std::string(scheme) + "' is of gRPC's target syntax; write the name or the address alone";
    }
  }
  if (text.find("://") != std::string_view::npos) {
    return "this is a URL; write host:port alone";
  }
  if (text.find_first_of(kBlanks) != std::string_view::npos) {
    return "there is a blank in it; several addresses are separated by commas";
  }
  return {};
}

// False if the text is no endpoint.
bool parse_one(std::string_view text, Endpoint& endpoint) {
  std::string_view port = kDefaultPort;
  if (begins_with(text, "[")) {
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
    endpoint.port = port;
    return is_ipv6(endpoint.host) && is_port(port);
  }
  if (is_ipv6(text)) {
    endpoint.host = text;
    endpoint.port = port;
    return true;
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  endpoint.host = text;
  endpoint.port = port;
  return is_name(endpoint.host) && is_port(port);
}

}  // namespace

Result parse_endpoints(std::string_view text, std::vector<Endpoint>& endpoints) {
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view one = trim(text.substr(0, comma));
    Endpoint endpoint;
    if (!parse_one(one, endpoint)) {
      const std::string form = other_form(one);
      return invalid("'" + to_line(one.substr(0, 100)) + "' is not host:port" + (form.empty() ? form : ": " + form));
    }
    endpoints.push_back(std::move(endpoint));
    if (comma == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(comma + 1);
  }
}

std::string host_in_url(const std::string& host) {
  const std::string without_zone = host.substr(0, host.find('%'));
  return without_zone.find(':') == std::string::npos ? without_zone : "[" + without_zone + "]";
}

}  // namespace agones::plugin
