// SPDX-License-Identifier: Apache-2.0
// The allocation processor on one machine: the server side of the contract over an in-memory fleet, for
// trying out and testing hosts without a cluster.
//
// One thread of its own sends the pulls; each client's stream runs on a thread of gRPC's server. The
// destructor stops everything.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "local-processor/faults.h"
#include "local-processor/fleet.h"

namespace agones::local {

struct LocalProcessorOptions {
  std::string address = "127.0.0.1:0";  // port 0: the system picks one
  std::chrono::milliseconds pull_interval{200};
  bool serving = true;  // false: a standby replica
  bool health_service = true;
  Faults faults;
  std::uint32_t seed = 1;  // of the faults
  // TLS: PEM text. With a client CA, clients must show a certificate.
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
};

// One allocation that was made, whether or not its answer went out.
struct LedgerEntry {
  std::string client_id;
  std::string request_id;
  std::string game_server;
};

struct ProcessorCounts {
  std::uint64_t streams = 0;  // registered, ever
  std::uint64_t clients = 0;  // registered now
  std::uint64_t pulls = 0;
  std::uint64_t batches = 0;
  std::uint64_t requests = 0;
  std::uint64_t allocated = 0;
  std::uint64_t refused = 0;
  std::uint64_t wrappers_without_request = 0;  // each would have crashed the real processor
  std::uint64_t batches_before_pull = 0;
  std::uint64_t largest_batch = 0;  // requests
};

class LocalProcessor {
 public:
  // Throws std::runtime_error if it can't listen.
  LocalProcessor(LocalProcessorOptions options, std::shared_ptr<Fleet> fleet);
  ~LocalProcessor();
  LocalProcessor(const LocalProcessor&) = delete;
  LocalProcessor& operator=(const LocalProcessor&) = delete;

  // "127.0.0.1:40123".
  std::string address() const;
  // A processor that does not serve says NOT_SERVING, still accepts streams, and never pulls.
  void set_serving(bool serving);
  void set_faults(const Faults& faults);
  // Ends all streams at once, answers nothing more, listens no more.
  void kill();

  ProcessorCounts counts() const;
  std::vector<LedgerEntry> ledger() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace agones::local
