// SPDX-License-Identifier: Apache-2.0
// The processor's address as the config gives it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace agones::plugin {

struct Endpoint {
  std::string host;  // a name or an IP address, without brackets; an IPv6 address perhaps with a zone: "fe80::1%eth0"
  std::string port;
};

// "host:port", "host", "[::1]:port", several with commas. Blanks around each are passed over.
Result parse_endpoints(std::string_view text, std::vector<Endpoint>& endpoints);

// As a URL has it: an IPv6 address in brackets, without its zone, which no other machine knows.
std::string host_in_url(const std::string& host);

}  // namespace agones::plugin
