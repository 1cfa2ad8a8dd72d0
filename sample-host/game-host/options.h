// SPDX-License-Identifier: Apache-2.0
// game-host's command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace game_host {

struct Options {
  std::string library;
  std::string plugin;     // empty: where the host library looks for it
  std::string processor;  // empty: embed the local processor
  std::uint64_t count = 1000;
  double rate = 0;  // requests a second; 0: as many as the concurrency allows
  std::uint64_t concurrency = 100;
  std::chrono::microseconds tick{16667};
  std::chrono::microseconds poll_budget{2000};
  std::chrono::milliseconds timeout{30000};
  std::string unknown_fields;
  std::string request;               // JSON
  bool request_is_manifest = false;  // a GameServerAllocation of Kubernetes
  std::string fleet_file;
  bool tls = false;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_server_name;
  bool json = false;
  bool verbose = false;
  bool watch = false;
  bool live = false;
  std::string metrics_address;  // empty: none
};

// None if --help was asked for, which it then has printed. Throws std::runtime_error.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace game_host
