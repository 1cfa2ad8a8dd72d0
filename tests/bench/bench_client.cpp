// SPDX-License-Identifier: Apache-2.0
// One measured client in a process of its own; prints one line of JSON. tests/bench/run.py runs it.
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <map>

#include "bench/measure.h"
#include "bench/modes.h"

namespace po = boost::program_options;
using agones::test::BenchOptions;

int main(int argc, char** argv) {
  const std::map<std::string, nlohmann::json (*)(const BenchOptions&)> modes{
      {"load", agones::test::measure_load},       {"hold", agones::test::measure_hold},
      {"paced", agones::test::measure_paced},     {"submit", agones::test::measure_submit},
      {"poll", agones::test::measure_poll},       {"frames", agones::test::measure_frames},
      {"idle", agones::test::measure_idle},       {"life", agones::test::measure_life},
      {"metrics", agones::test::measure_metrics}, {"burst", agones::test::measure_burst},
      {"ideal", agones::test::measure_ideal},     {"follow", agones::test::measure_follow},
  };
  BenchOptions options;
  std::string mode;
  std::string body_file;
  po::options_description described("Options");
  described.add_options()("mode", po::value(&mode),
                          "load, hold, paced, submit, poll, frames, idle, life, metrics, burst, ideal or follow")(
      "client", po::value(&options.client),
      "plugin, host (the plugin through the host library), json (it with JSON), encoding-plugin, bare or unary")(
      "address", po::value(&options.address), "of the processor")(
      "requests", po::value(&options.requests), "how many in all")("in-flight", po::value(&options.in_flight),
                                                                   "how many at a time")(
      "seed", po::value(&options.seed), "of random times")("rate", po::value(&options.rate),
                                                           "requests a second, paced")(
      "batches-per-pull", po::value(&options.batches_per_pull), "of the plugin")("seconds", po::value(&options.seconds),
                                                                                 "how long to be idle")(
      "max-batch-size", po::value(&options.max_batch_size), "of the plugin")(
      "max-unanswered-batches", po::value(&options.max_unanswered_batches), "of the plugin")(
      "fixed-batches", po::value(&options.fixed_batches), "of the plugin: of so many")(
      "max-streams", po::value(&options.max_streams), "of the plugin")(
      "timeout-ms", po::value(&options.timeout_ms), "of each request")("used-seconds", po::value(&options.used_seconds),
                                                                       "before a burst")(
      "pause-ms", po::value(&options.pause_ms), "before a burst")("after-burst", po::value(&options.after_burst),
                                                                  "idle: requests that were answered just before")(
      "write-body", po::value(&body_file), "write the request's bytes to this file, and nothing else");
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, described), given);
    po::notify(given);
    if (!body_file.empty()) {
      std::ofstream(body_file, std::ios::binary) << agones::test::encoded_request();
      return 0;
    }
    const auto found = modes.find(mode);
    if (found == modes.end()) {
      std::cerr << "bench-client: --mode: unknown: '" << mode << "'\n" << described;
      return 2;
    }
    nlohmann::json result = found->second(options);
    result["mode"] = mode;
    result["client"] = options.client;
    result["batchesPerPull"] = options.batches_per_pull;
    result["fixedBatches"] = options.fixed_batches;
    result["maxStreams"] = options.max_streams;
    std::cout << result.dump() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "bench-client: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
