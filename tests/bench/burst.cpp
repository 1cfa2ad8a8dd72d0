// SPDX-License-Identifier: Apache-2.0
// Bursts, beside the best that any client could do; and how batches follow a processor that changes.
#include <random>
#include <vector>

#include "bench/measure.h"
#include "bench/modes.h"
#include "bench/plugin_host.h"
#include "local-processor/update_schedule.h"

namespace agones::test {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr double kUsedRate = 100;  // requests a second
constexpr milliseconds kSample{100};

void run_for(PluginHost& host, milliseconds time) {
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    host.poll(10);
  }
}

json summary(std::vector<double>& latencies) {
  double sum = 0;
  for (const double latency : latencies) {
    sum += latency;
  }
  return {{"meanMs", sum / static_cast<double>(latencies.size())},
          {"p50Ms", percentile(latencies, 0.5)},
          {"p99Ms", percentile(latencies, 0.99)},
          {"mostMs", percentile(latencies, 1)}};
}

}  // namespace

json measure_burst(const BenchOptions& options) {
  PluginHost host(options.address, [&](proc_config& config) { set_batches(options, config); });
  host.wait_until_serving();
  std::mt19937 random(options.seed);
  std::exponential_distribution<double> pause(kUsedRate);
  for (const auto end = Clock::now() + std::chrono::seconds(options.used_seconds); Clock::now() < end;) {
    host.submit();
    run_for(host, milliseconds(static_cast<std::int64_t>(1000 * pause(random))));
  }
  const std::uint64_t before = host.stats().accepted;
  while (host.ended < before) {
    host.poll(100);
  }
  // Anywhere between two pulls.
  run_for(host, milliseconds(options.pause_ms + random() % 200));
  std::vector<double> latencies;
  host.on_result = [&](const proc_event& event) {
    if (event.outcome == PROC_OUTCOME_ALLOCATED) {
      latencies.push_back(static_cast<double>(event.latency_us) / 1000);
    }
  };
  const proc_stats at_start = host.stats();
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    host.submit();
  }
  while (latencies.size() < options.requests) {
    host.poll(100);
  }
  json result = summary(latencies);
  result["requests"] = options.requests;
  result["batches"] = host.stats().batches_sent - at_start.batches_sent;
  result["streams"] = host.stats().open_streams;
  return result;
}

// Each answered by itself, in the order they came, as soon as the processor can; it gathers for half of its time.
json measure_ideal(const BenchOptions& options) {
  local::UpdateTiming timing;
  timing.per_second = 400;
  timing.burst = 500;
  timing.at_a_time = 100;
  timing.each = milliseconds(20);
  timing.slow_rate = 0.01;
  timing.slow = std::chrono::seconds(2);
  local::UpdateSchedule schedule(timing, options.seed);
  const Clock::time_point start{std::chrono::hours(1)};
  const milliseconds gathering(25);
  std::vector<double> latencies;
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    const auto done = schedule.add(start) - start + gathering;
    latencies.push_back(std::chrono::duration<double, std::milli>(done).count());
  }
  json result = summary(latencies);
  result["requests"] = options.requests;
  return result;
}

json measure_follow(const BenchOptions& options) {
  PluginHost host(options.address, [&](proc_config& config) { set_batches(options, config); });
  std::uint64_t answered = 0;
  host.on_result = [&](const proc_event& /*event*/) {
    ++answered;
    host.submit();
  };
  host.wait_until_serving();
  for (std::uint64_t i = 0; i < options.in_flight; ++i) {
    host.submit();
  }
  json samples = json::array();
  proc_stats last = host.stats();
  const auto start = Clock::now();
  for (auto next = start + kSample; seconds_since(start) < options.seconds; next += kSample) {
    answered = 0;
    while (Clock::now() < next) {
      host.poll(5);
    }
    const proc_stats stats = host.stats();
    const std::uint64_t batches = stats.batches_sent - last.batches_sent;
    const std::uint64_t sent = answered + stats.in_flight - last.in_flight;
    samples.push_back(
        {{"s", seconds_since(start)},
         {"window", stats.window},
         {"underWay", stats.in_flight},
         {"streams", stats.open_streams},
         {"batchSize", batches == 0 ? json() : json(static_cast<double>(sent) / static_cast<double>(batches))},
         {"perSecond", static_cast<double>(answered) / std::chrono::duration<double>(kSample).count()}});
    last = stats;
  }
  // What is still under way is nobody's.
  host.on_result = {};
  return {{"inFlight", options.in_flight}, {"samples", samples}};
}

}  // namespace agones::test
