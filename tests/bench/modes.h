// SPDX-License-Identifier: Apache-2.0
// What bench-client can measure. Each returns its figures.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace agones::test {

struct BenchOptions {
  std::string client = "plugin";  // plugin, host, json, encoding-plugin, bare, unary
  std::string address;
  std::uint64_t requests = 1000;
  std::uint64_t in_flight = 100;
  std::uint32_t seed = 1;
  int seconds = 20;
  double rate = 5;                     // requests a second
  std::uint32_t batches_per_pull = 0;  // of the plugin; 0: its default
  // Of the plugin and the bare loop; 0: their defaults.
  std::uint32_t max_batch_size = 0;
  std::uint32_t max_unanswered_batches = 0;
  // Of the plugin; 0: its defaults.
  std::uint32_t fixed_batches = 0;  // of so many
  std::uint32_t max_streams = 0;
  std::uint32_t timeout_ms = 0;   // of each request
  int used_seconds = 0;           // burst: so long it has had a few requests before
  std::uint32_t pause_ms = 2000;  // burst: before it, so that what the processor saves up for one is there
  std::uint64_t after_burst = 0;  // idle: the plugin has just had the answers of a burst of this size
};

// Keeps `in_flight` requests under way until `requests` have ended: CPU, throughput, memory.
nlohmann::json measure_load(const BenchOptions& options);
// `in_flight` requests that nobody pulls: memory.
nlohmann::json measure_hold(const BenchOptions& options);
// `requests`, so many a second at random times: latencies, CPU.
nlohmann::json measure_paced(const BenchOptions& options);
// `requests` at once: latencies.
nlohmann::json measure_burst(const BenchOptions& options);
// The same by calculation, of a processor with 400 updates a second, burst 500, 100 at a time, 20 ms each, one of 100 in 2 s.
nlohmann::json measure_ideal(const BenchOptions& options);
// `in_flight` requests under way for so many seconds: window, batches, answers over time.
nlohmann::json measure_follow(const BenchOptions& options);
// What proc_allocate costs the calling thread, alone and with 7 others, also through the host library and as JSON, beside
// malloc and memcpy.
nlohmann::json measure_submit(const BenchOptions& options);
// What the plugin's distributions cost an allocation: two values recorded, `requests` times.
nlohmann::json measure_metrics(const BenchOptions& options);
// What proc_poll costs per event when `requests` answers wait; of client json, proc_poll_json.
nlohmann::json measure_poll(const BenchOptions& options);
// The frames of a 60 Hz loop while `requests` answers arrive.
nlohmann::json measure_frames(const BenchOptions& options);
// Connected and pulled for so many seconds with nothing to do: CPU, threads.
nlohmann::json measure_idle(const BenchOptions& options);
// Loading, connecting, ending, unloading: times.
nlohmann::json measure_life(const BenchOptions& options);

}  // namespace agones::test
