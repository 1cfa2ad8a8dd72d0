// SPDX-License-Identifier: Apache-2.0
#include "game-host/options.h"

#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "manifest/request_document.h"

namespace game_host {

namespace po = boost::program_options;

using agones::manifest::is_manifest;

namespace {

// As it is installed: beside this program's folder, in lib; else where the system looks for libraries.
std::string installed_library() {
  const std::string name = "libagones_processor_host.so.1";
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto file = program.parent_path().parent_path() / "lib" / name;
  return !error && std::filesystem::exists(file, error) ? file.string() : name;
}

agones::manifest::Tree one_document(const std::string& text, const std::string& where) {
  try {
    return agones::manifest::request_document(text);
  } catch (const std::exception& error) {
    throw std::runtime_error(where + ": " + error.what());
  }
}

// JSON as it is typed, or a file's one document. A GameServerAllocation tells itself by its kind or apiVersion.
void read_request(Options& options) {
  std::string& request = options.request;
  const std::size_t start = request.find_first_not_of(" \t\r\n");
  if (start != std::string::npos && request[start] == '{') {
    // Read, so that a mistake is found before the plugin is loaded; given to the plugin as it is typed.
    options.request_is_manifest = is_manifest(one_document(request, "--request"));
    return;
  }
  std::ifstream file(request);
  if (!file) {
    throw std::runtime_error("--request: '" + request + "' is neither JSON nor a file that can be read");
  }
  const auto document = one_document({std::istreambuf_iterator<char>(file), {}}, "--request: file '" + request + "'");
  options.request_is_manifest = is_manifest(document);
  request = document.dump();
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  bool help = false;
  double ticks = 60;
  std::uint32_t budget_us = 0;
  std::uint32_t timeout_ms = 0;
  po::options_description description(
      "game-host: loads the processor plugin and allocates game servers from a game loop\n\n"
      "Exit codes: 0 every request was allocated, 1 some were not, 2 wrong usage, 3 the plugin can't be\n"
      "loaded or refuses its configuration, 130 ended by Ctrl-C\n\nOptions");
  description.add_options()("help,h", po::bool_switch(&help), "show this text")(
      "library", po::value(&options.library)->default_value(installed_library()),
      "the host library's file, or a plugin's own")(
      "plugin", po::value(&options.plugin), "the plugin's file; without it, where the host library looks for one")(
      "processor", po::value(&options.processor), "address of the processor; without it, a local one runs inside")(
      "count,n", po::value(&options.count)->default_value(1000), "game servers to allocate")(
      "rate", po::value(&options.rate)->default_value(0), "requests a second; 0: no limit but the concurrency")(
      "concurrency,c", po::value(&options.concurrency)->default_value(100), "requests under way at most")(
      "ticks-per-second", po::value(&ticks)->default_value(60), "of the game loop")(
      "poll-budget-us", po::value(&budget_us)->default_value(2000), "time a tick may spend in proc_poll")(
      "timeout-ms", po::value(&timeout_ms)->default_value(30000), "of each request")(
      "request", po::value(&options.request),
      "what to ask for: JSON, or a file with JSON or YAML, either a request or a GameServerAllocation of Kubernetes; "
      "default: any game server of namespace 'default', of the embedded fleet one with the "
      "label mode=arena")("unknown-fields", po::value(&options.unknown_fields)->default_value("refuse"),
                          "of the request: refuse or ignore")(
      "fleet-file", po::value(&options.fleet_file),
      "game servers of the embedded processor, as local-processor takes them; default: two fleets, "
      "arena and lobby, on shared nodes")("tls", po::bool_switch(&options.tls), "connect with TLS; else plaintext")(
      "tls-ca", po::value(&options.tls_ca), "PEM file")("tls-certificate", po::value(&options.tls_certificate),
                                                        "PEM file")("tls-key", po::value(&options.tls_key), "PEM file")(
      "tls-server-name", po::value(&options.tls_server_name), "the name to expect in the certificate")(
      "json", po::bool_switch(&options.json), "print the outcome as JSON")(
      "watch", po::bool_switch(&options.watch),
      "swap to the plugin\'s file whenever it changes on disk; goes on after COUNT, until Ctrl-C")(
      "live", po::bool_switch(&options.live),
      "show rate, latency, outcomes, connection and batches while it runs: drawn on a terminal, a line a second "
      "elsewhere")("metrics", po::value(&options.metrics_address)->value_name("HOST:PORT"),
                   "serve /metrics for Prometheus; port 0: the system picks one")(
      "verbose,v", po::bool_switch(&options.verbose), "show the plugin's log lines of severity info and debug");
  po::variables_map values;
  try {
    po::store(po::parse_command_line(argc, argv, description), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw std::runtime_error(std::string(error.what()) + " (see --help)");
  }
  if (help) {
    std::cout << description;
    return std::nullopt;
  }
  const auto require = [](bool good, const char* problem) {
    if (!good) {
      throw std::runtime_error(problem);
    }
  };
  require(options.count > 0, "--count must be at least 1");
  require(options.concurrency > 0, "--concurrency must be at least 1");
  require(!options.watch || !options.plugin.empty(), "--watch needs --plugin");
  require(!options.live || !options.json, "--live and --json exclude each other");
  require(options.rate >= 0, "--rate must not be negative");
  require(ticks >= 1 && ticks <= 10000, "--ticks-per-second must be from 1 to 10000");
  require(timeout_ms > 0, "--timeout-ms must be at least 1");
  require(budget_us > 0, "--poll-budget-us must be at least 1");
  if (options.request.empty()) {
    const bool own_fleet = options.processor.empty() && options.fleet_file.empty();
    options.request = own_fleet ? R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"mode":"arena"}}]})"
                                : R"({"namespace":"default"})";
  } else {
    read_request(options);
  }
  options.tick = std::chrono::microseconds(static_cast<std::int64_t>(1e6 / ticks));
  options.poll_budget = std::chrono::microseconds(budget_us);
  options.timeout = std::chrono::milliseconds(timeout_ms);
  return options;
}

}  // namespace game_host
