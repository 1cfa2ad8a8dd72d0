// SPDX-License-Identifier: Apache-2.0
// How to make a channel to one address: plaintext, TLS or mutual TLS, keepalive, limits.
#pragma once

#include <cstdint>
#include <string>

#include "engine/time.h"

namespace agones::plugin {

// PEM text, or the file that holds it.
struct PemSource {
  std::string file;
  std::string text;
  bool given() const { return !file.empty() || !text.empty(); }
};

struct TransportConfig {
  bool plaintext = false;
  PemSource ca;
  PemSource certificate;
  PemSource key;
  std::string server_name;
  milliseconds keepalive_time{10000};
  milliseconds keepalive_timeout{5000};
  milliseconds connect_timeout{5000};
  std::uint32_t max_message_bytes = 64U << 20;
};

// Empty if every file can be read, else what is wrong, with the config field's name.
std::string check_pem_files(const TransportConfig& config);

}  // namespace agones::plugin
