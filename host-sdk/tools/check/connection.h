// SPDX-License-Identifier: Apache-2.0
// What speaks at an address, below gRPC.
#pragma once

#include <chrono>
#include <string>

namespace check {

enum class Speaks { kNothing, kPlaintextHttp2, kTls, kSomethingElse };

struct Connection {
  std::string problem;  // not empty: there is none, and why
  bool timed_out = false;
  bool refused = false;
  std::chrono::microseconds time{0};  // to connect
  Speaks speaks = Speaks::kNothing;
};
// To "10.0.0.1:9090", "[::1]:9090", "[fe80::1%eth0]:9090". Connects, begins HTTP/2 in plaintext, and looks at what comes back.
Connection connect_to(const std::string& address, std::chrono::milliseconds patience);

}  // namespace check
