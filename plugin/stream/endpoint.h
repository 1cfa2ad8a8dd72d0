// SPDX-License-Identifier: Apache-2.0
// The processor's address as the config gives it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agones::plugin {

struct Endpoint {
  std::string host;  // a name or an IP address, without brackets
  std::string port;
};

struct EndpointList {
  std::vector<Endpoint> endpoints;
  std::string problem;  // not empty: what is wrong with the text
};

// "host:port", "host", "[::1]:port", several with commas.
EndpointList parse_endpoints(std::string_view text);

}  // namespace agones::plugin
