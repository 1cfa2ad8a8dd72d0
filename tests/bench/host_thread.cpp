// SPDX-License-Identifier: Apache-2.0
// What the plugin costs the host's own thread.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "bench/measure.h"
#include "bench/modes.h"
#include "bench/plugin_host.h"
#include "engine/metrics.h"

namespace agones::test {

namespace {

using nlohmann::json;

constexpr std::size_t kManyThreads = 8;
constexpr std::uint32_t kPollBudgetUs = 1000;
constexpr std::chrono::microseconds kFrame{16'667};
constexpr int kQuietFrames = 120;

// Times every call, from so many threads at once.
json time_calls(std::size_t threads, std::uint64_t calls, const std::function<void()>& call) {
  std::vector<std::vector<double>> times(threads);
  std::vector<std::thread> running;
  for (std::vector<double>& mine : times) {
    running.emplace_back([&mine, &call, count = calls / threads] {
      mine.assign(count, 0);
      for (double& time : mine) {
        const auto start = Clock::now();
        call();
        time = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
      }
    });
  }
  std::vector<double> all;
  for (std::size_t i = 0; i < threads; ++i) {
    running[i].join();
    all.insert(all.end(), times[i].begin(), times[i].end());
  }
  double total = 0;
  for (const double time : all) {
    total += time;
  }
  return {{"meanNs", total / static_cast<double>(all.size())},
          {"p50Ns", percentile(all, 0.5)},
          {"p99Ns", percentile(all, 0.99)},
          {"p999Ns", percentile(all, 0.999)},
          {"maxNs", percentile(all, 1)}};
}

// The peer: a copy of the request that is kept, as a pending request is.
json time_copies(std::size_t threads, std::uint64_t calls) {
  const std::string body = encoded_request();
  std::atomic<std::size_t> next{0};
  std::vector<void*> kept(calls + threads);
  json result = time_calls(threads, calls, [&] {
    void* copy = std::malloc(body.size());
    std::memcpy(copy, body.data(), body.size());
    kept[next.fetch_add(1, std::memory_order_relaxed)] = copy;
  });
  for (void* copy : kept) {
    std::free(copy);
  }
  return result;
}

void wait_for_answers(const PluginHost& host, std::uint64_t count) {
  while (host.stats().allocated < count) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

json measure_submit(const BenchOptions& options) {
  json result{{"requests", options.requests}};
  for (const std::size_t threads : {std::size_t{1}, kManyThreads}) {
    const std::string suffix = threads == 1 ? "One" : "Many";
    result["copy" + suffix] = time_copies(threads, options.requests);
    for (const char* client : {"plugin", "host", "json"}) {
      PluginHost host(options.address, {}, api_of(client));
      if (client == std::string("json")) {
        host.use_json();
      }
      host.wait_until_serving();
      result[client + suffix] = time_calls(threads, options.requests, [&host] { host.submit(); });
      const std::uint64_t accepted = host.stats().accepted;
      while (host.ended < accepted) {
        host.poll(100);
      }
    }
  }
  return result;
}

json measure_poll(const BenchOptions& options) {
  PluginHost host(options.address, {}, api_of(options.client));
  host.wait_until_serving();
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    host.submit();
  }
  wait_for_answers(host, options.requests);
  const double start = thread_cpu_seconds();
  if (options.client == "json") {
    for (std::uint64_t delivered = 0; delivered < options.requests;) {
      delivered += host.poll_json();
    }
  } else {
    while (host.ended < options.requests) {
      host.poll(0);
    }
  }
  return {{"requests", options.requests},
          {"pollNsPerEvent", (thread_cpu_seconds() - start) * 1e9 / static_cast<double>(options.requests)}};
}

json measure_frames(const BenchOptions& options) {
  PluginHost host(options.address);
  host.wait_until_serving();
  // Milliseconds in proc_poll, by the clock and of this thread's CPU time.
  std::vector<double> wall;
  std::vector<double> cpu;
  const auto frame = [&] {
    const auto end = Clock::now() + kFrame;
    const double cpu_start = thread_cpu_seconds();
    const auto start = Clock::now();
    host.poll(0, kPollBudgetUs);
    wall.push_back(seconds_since(start) * 1000);
    cpu.push_back((thread_cpu_seconds() - cpu_start) * 1000);
    std::this_thread::sleep_until(end);
  };
  for (int i = 0; i < kQuietFrames; ++i) {
    frame();
  }
  json result{
      {"requests", options.requests}, {"quietWorstMs", percentile(wall, 1)}, {"quietMedianMs", percentile(wall, 0.5)}};
  wall.clear();
  cpu.clear();
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    host.submit();
  }
  while (host.ended < options.requests) {
    frame();
  }
  result["frames"] = wall.size();
  result["over2Ms"] = std::count_if(wall.begin(), wall.end(), [](double time) { return time > 2; });
  result["worstMs"] = percentile(wall, 1);
  result["p99Ms"] = percentile(wall, 0.99);
  result["worstCpuMs"] = percentile(cpu, 1);
  return result;
}

json measure_metrics(const BenchOptions& options) {
  const auto metrics = std::make_unique<plugin::Metrics>();
  std::mt19937 random(options.seed);
  std::uniform_int_distribution<std::uint64_t> latency_us(1'000, 200'000);
  std::vector<std::uint64_t> values(1024);
  for (std::uint64_t& value : values) {
    value = latency_us(random);
  }
  const double start = thread_cpu_seconds();
  for (std::uint64_t i = 0; i < options.requests; ++i) {
    metrics->answer_time.record(values[i % values.size()]);
    metrics->queue_time.record(values[(i + 1) % values.size()]);
  }
  return {{"requests", options.requests},
          {"recordNs", (thread_cpu_seconds() - start) * 1e9 / static_cast<double>(options.requests)}};
}

}  // namespace agones::test
