// SPDX-License-Identifier: Apache-2.0
// From a name to what speaks at its address, below gRPC.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace check {

struct Address {
  std::string text;  // "10.0.0.1:9090", "[::1]:9090"
  std::string host;  // the name that it is an address of
};

struct Resolved {
  std::vector<Address> addresses;
  std::string problem;  // not empty: the resolver's words
};
Resolved resolve(const std::string& host, const std::string& port);

enum class Speaks { kNothing, kPlaintextHttp2, kTls, kSomethingElse };

struct Connection {
  std::string problem;  // not empty: there is none, and why
  bool timed_out = false;
  bool refused = false;
  std::chrono::microseconds time{0};  // to connect
  Speaks speaks = Speaks::kNothing;
};
// Connects, begins HTTP/2 in plaintext, and looks at what comes back.
Connection connect_to(const std::string& address, std::chrono::milliseconds patience);

}  // namespace check
