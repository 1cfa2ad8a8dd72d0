// SPDX-License-Identifier: Apache-2.0
// The processor's address as the config gives it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agones::plugin {

struct Endpoint {
  std::string host;  // a name or an IP address, without brackets; an IPv6 address perhaps with a zone: "fe80::1%eth0"
  std::string port;
};

struct EndpointList {
  std::vector<Endpoint> endpoints;
  std::string problem;  // not empty: what is wrong with the text
};

// "host:port", "host", "[::1]:port", several with commas. Blanks around each are passed over.
EndpointList parse_endpoints(std::string_view text);

// As a URL has it: an IPv6 address in brackets, without its zone, which no other machine knows.
std::string host_in_url(const std::string& host);

}  // namespace agones::plugin
