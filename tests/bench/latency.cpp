// SPDX-License-Identifier: Apache-2.0
// Requests at random times.
#include <random>
#include <stdexcept>

#include "bench/measure.h"
#include "bench/modes.h"
#include "bench/plugin_host.h"
#include "bench/unary_client.h"

namespace agones::test {

namespace {

using nlohmann::json;

// When each request is made, from the start.
std::vector<Clock::duration> random_times(const BenchOptions& options) {
  std::mt19937 random(options.seed);
  std::exponential_distribution<double> pause(options.rate);
  std::vector<Clock::duration> times;
  double time = 0;
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    time += pause(random);
    times.push_back(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(time)));
  }
  return times;
}

json paced_plugin(const BenchOptions& options) {
  PluginHost host(options.address, [&](proc_config& config) { set_batches(options, config); });
  std::vector<double> latencies;
  host.on_result = [&](const proc_event& event) { latencies.push_back(static_cast<double>(event.latency_us) / 1000); };
  host.wait_until_serving();
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (const Clock::duration time : random_times(options)) {
    while (Clock::now() < start + time) {
      // Up to a millisecond late; a host that rounds down spins.
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(start + time - Clock::now());
      host.poll(static_cast<std::int32_t>(std::max<std::int64_t>(left.count(), 0)));
    }
    host.submit();
  }
  while (host.ended < options.requests) {
    host.poll(100);
  }
  return {{"requests", options.requests},
          {"rate", options.rate},
          {"batches", host.stats().batches_sent},
          {"unknown", host.stats().unknown},
          {"streamsOpened", host.stats().streams},
          {"cpuUs", (cpu_seconds() - cpu) * 1e6 / static_cast<double>(options.requests)},
          {"latencyMs", latencies}};
}

json paced_unary(const BenchOptions& options) {
  UnaryClient client(options.address);
  client.start();
  client.next(std::chrono::system_clock::time_point::max());
  std::vector<double> latencies;
  const auto take = [&](Clock::duration at_most) {
    const auto until = std::chrono::system_clock::now() + at_most;
    if (const auto call = client.next(until)) {
      latencies.push_back(seconds_since(call->start) * 1000);
    }
  };
  const auto start = Clock::now();
  for (const Clock::duration time : random_times(options)) {
    while (Clock::now() < start + time) {
      take(start + time - Clock::now());
    }
    client.start();
  }
  while (latencies.size() < options.requests) {
    take(std::chrono::seconds(1));
  }
  return {{"requests", options.requests}, {"latencyMs", latencies}};
}

}  // namespace

json measure_paced(const BenchOptions& options) {
  if (options.client == "plugin") {
    return paced_plugin(options);
  }
  if (options.client == "unary") {
    return paced_unary(options);
  }
  throw std::runtime_error("no such client: " + options.client);
}

}  // namespace agones::test
