// SPDX-License-Identifier: Apache-2.0
// What the plugin costs by being there.
#include <cmath>
#include <stdexcept>

#include "bench/bare_stream.h"
#include "bench/measure.h"
#include "bench/modes.h"
#include "bench/plugin_host.h"
#include "support/process.h"

namespace agones::test {

using nlohmann::json;

namespace {

// Whatever a start needs once is over after this.
constexpr double kSettlingSeconds = 2;

// Starts when the client has settled.
class IdleMeasurement {
 public:
  explicit IdleMeasurement(std::size_t threads_before) : threads_before_(threads_before) {}

  json result(std::uint64_t pulls) const {
    const double time = seconds_since(start_);
    return {{"seconds", time},
            {"cpuPercent", (cpu_seconds() - cpu_) / time * 100},
            {"pullsPerSecond", static_cast<double>(pulls) / time},
            {"threads", thread_count() - threads_before_}};
  }

 private:
  std::size_t threads_before_;
  double cpu_ = cpu_seconds();
  Clock::time_point start_ = Clock::now();
};

// The stream alone, read by one thread: what gRPC itself costs.
json idle_bare(const BenchOptions& options) {
  const std::size_t threads_before = thread_count();
  BareStream stream(options.address);
  allocation::ProcessorMessage message;
  std::uint64_t pulls = 0;
  const auto read_for = [&](double seconds) {
    for (const auto start = Clock::now(); seconds_since(start) < seconds && stream->Read(&message); ++pulls) {
    }
  };
  read_for(kSettlingSeconds);
  const IdleMeasurement measurement(threads_before);
  pulls = 0;
  read_for(options.seconds);
  return measurement.result(pulls);
}

}  // namespace

json measure_idle(const BenchOptions& options) {
  if (options.client == "bare") {
    return idle_bare(options);
  }
  const std::size_t threads_before = thread_count();
  PluginHost host(options.address, {}, api_of(options.client));
  host.wait_until_serving();
  for (const auto start = Clock::now(); seconds_since(start) < kSettlingSeconds;) {
    host.poll(1000);
  }
  for (std::uint64_t i = 0; i < options.after_burst; ++i) {
    host.submit();
  }
  while (host.ended < options.after_burst) {
    host.poll(1000);
  }
  const IdleMeasurement measurement(threads_before);
  const std::uint64_t pulls = host.stats().pulls;
  const auto start = Clock::now();
  // A host that has nothing to do, and so waits in proc_poll.
  for (double left = options.seconds; left > 0; left = options.seconds - seconds_since(start)) {
    host.poll(static_cast<std::int32_t>(std::lround(left * 1000)));
  }
  return measurement.result(host.stats().pulls - pulls);
}

json measure_life(const BenchOptions& options) {
  json result;
  auto start = Clock::now();
  const auto lap = [&](const char* name) {
    result[name] = seconds_since(start) * 1000;
    start = Clock::now();
  };
  RawLibrary library(plugin_path());
  lap("loadMs");
  {
    PluginHost host(options.address, {}, library.api());
    lap("initMs");
    host.wait_until_serving();
    start = Clock::now();
  }
  lap("shutdownMs");
  while (library.api().get_unload_state(nullptr, 0) != PROC_UNLOAD_SAFE) {
  }
  library.close();
  lap("unloadMs");
  if (mapping_count("libagones_processor") != 0) {
    throw std::runtime_error("the plugin is still mapped");
  }
  return result;
}

}  // namespace agones::test
