// SPDX-License-Identifier: Apache-2.0
// The allocation processor on one machine: the server side of the contract over an in-memory fleet, for
// trying out and testing hosts without a cluster.
//
// One thread of its own sends the pulls; each client's stream runs on a thread of gRPC's server, and works on one batch after
// the other. With a cluster's timing, they wait for a thread that does what the allocator's does. The destructor stops everything.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "listen-address/listen_address.h"
#include "local-processor/allocation_queue.h"
#include "local-processor/faults.h"
#include "local-processor/fleet.h"

namespace grpc {
class Server;
}

namespace agones::local {

class StreamHandler;

// One allocation that was made, whether or not its answer went out.
struct LedgerEntry {
  std::string client_id;
  std::string request_id;
  std::string game_server;
};

struct LocalProcessorOptions {
  std::string address = "127.0.0.1:0";  // without a port: 9090; port 0: the system picks one
  std::chrono::milliseconds pull_interval{200};
  // How long allocations take. Without any, a batch is answered at once.
  QueueTiming timing;
  bool serving = true;  // false: a standby replica
  bool health_service = true;
  Faults faults;
  std::uint32_t seed = 1;  // of the faults
  // Is told of every allocation, one at a time. Without it they are kept, all of them, for LocalProcessor::ledger().
  std::function<void(const LedgerEntry&)> ledger;
  // TLS: PEM text. With a client CA, clients must show a certificate.
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
};

// How long batches took, from their arrival to their answer.
struct BatchTimes {
  static constexpr std::array<double, 12> kLimits = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                     0.1,   0.2,   0.5,   1,    2,    5};  // seconds

  std::array<std::uint64_t, kLimits.size() + 1> counts{};  // up to each limit, and above
  double sum = 0;                                          // seconds

  void add(std::chrono::duration<double> time);
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
  BatchTimes batch_times;
};

// What a cluster does at its defaults: a wait of 50 ms, 400 writes a second after a burst of 500, 100 at a time, 5 ms each.
QueueTiming timing_like_agones();

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
  bool serving() const;
  void set_faults(const Faults& faults);
  Faults faults() const;
  // Of the allocations that come from now on. A processor without timing has none, and takes none.
  std::optional<UpdateTiming> updates() const;
  void set_updates(const UpdateTiming& timing);
  // Ends all streams at once, answers nothing more, listens no more.
  void kill();

  ProcessorCounts counts() const;
  std::vector<LedgerEntry> ledger() const;

 private:
  void start_server();
  std::string problem() const;

  const LocalProcessorOptions options_;
  listen_address::ListenAddress address_;
  const std::unique_ptr<StreamHandler> handler_;
  std::unique_ptr<grpc::Server> server_;
  std::thread puller_;
};

}  // namespace agones::local
