// SPDX-License-Identifier: Apache-2.0
// How to make a channel to one address: plaintext, TLS or mutual TLS, keepalive, limits.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "contract/config_numbers.h"
#include "stream/pem.h"

namespace agones::plugin {

struct TransportConfig {
  bool plaintext = false;
  PemSource ca;
  PemSource certificate;
  PemSource key;
  std::string server_name;
  milliseconds keepalive_time{default_of(config_number::keepalive_time_ms)};
  milliseconds keepalive_timeout{default_of(config_number::keepalive_timeout_ms)};
  milliseconds connect_timeout{default_of(config_number::connect_timeout_ms)};
  std::uint32_t max_message_bytes = default_of(config_number::max_message_bytes);

  // The name to expect in the certificate of a processor that is called `host`.
  const std::string& expected_name(const std::string& host) const { return server_name.empty() ? host : server_name; }
};

// Whether the certificates and the key can be used; what is wrong is told with the config field's name.
Result check_pem_files(const TransportConfig& config);

}  // namespace agones::plugin
