// SPDX-License-Identifier: Apache-2.0
// A doctor for a live processor. From the outside in: names, addresses, TLS or plaintext, health of each replica, the stream of the
// leader, what it decides. It allocates nothing unless it is told to.
#pragma once

#include <chrono>
#include <string>

#include "check/finding.h"

namespace check {

struct ProcessorOptions {
  std::string address;  // as the plugin takes it: host[:port], several with commas
  bool tls = false;
  std::string tls_ca;  // PEM files; no CA: the system's
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_server_name;
  std::string name_space = "default";
  std::string allocate;                      // a request as JSON; empty: none is made
  unsigned pulls = 5;                        // to be waited for
  std::chrono::milliseconds patience{5000};  // with each step
};

// Throws std::runtime_error for options that make no sense.
Findings check_processor(const ProcessorOptions& options);

}  // namespace check
