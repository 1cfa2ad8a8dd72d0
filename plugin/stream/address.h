// SPDX-License-Identifier: Apache-2.0
// From an endpoint to the addresses behind it; the doctor (host-sdk/tools/check) goes the same way.
#pragma once

#include <string>
#include <vector>

#include "stream/endpoint.h"

namespace agones::plugin {

struct Address {
  std::string target;     // "ipv4:10.0.0.1:9090", "ipv6:[::1]:9090", "ipv6:[fe80::1%eth0]:9090"
  std::string host;       // the endpoint's host, without a zone: what a certificate is made for
  std::string authority;  // "host:port", as in a URL: "[::1]:9090". A zone is of this machine alone
  bool operator==(const Address& other) const { return target == other.target && host == other.host; }
};

struct Resolution {
  std::vector<Address> addresses;
  std::string problem;  // of the names that could not be resolved
  // The authorities of these: nothing is known of their addresses.
  std::vector<std::string> unresolved;
  bool unknown = false;  // the look-up could not be made: nothing is known of any address
};

// May block for as long as the system's resolver likes, unless `literals` alone are taken: IP addresses.
Resolution resolve(const std::vector<Endpoint>& endpoints, bool literals = false);

// The target as gRPC takes it: a URI, in which a zone's '%' is escaped.
std::string to_grpc_target(const std::string& target);

}  // namespace agones::plugin
