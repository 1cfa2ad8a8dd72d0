// SPDX-License-Identifier: Apache-2.0
// game-host: the host that a newcomer runs. A game loop that asks for game servers through the plugin.
#include <signal.h>
#include <unistd.h>

#include <agones/boost_log_sink.hpp>
#include <agones/client.hpp>
#include <algorithm>
#include <atomic>
#include <boost/log/core.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/trivial.hpp>
#include <boost/log/utility/setup/console.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "game-host/file_watch.h"
#include "game-host/live_view.h"
#include "game-host/metrics_server.h"
#include "game-host/options.h"
#include "game-host/report.h"
#include "local-processor/fleet_file.h"
#include "local-processor/local_processor.h"

namespace {

using game_host::LiveView;
using game_host::MetricsServer;
using game_host::Options;
using game_host::Report;
using Clock = std::chrono::steady_clock;

constexpr int kExitSomeNotAllocated = 1;
constexpr int kExitUsage = 2;
constexpr int kExitPlugin = 3;
constexpr int kExitInterrupted = 130;

std::atomic<bool> g_interrupted{false};

void set_up_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted.store(true); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void set_up_log() {
  namespace log = boost::log;
  log::add_console_log(std::clog, log::keywords::format = log::expressions::stream
                                                          << "[" << log::trivial::severity << "] "
                                                          << log::expressions::attr<std::string>("Channel") << ": "
                                                          << log::expressions::smessage);
}

// One line that is written over, on a terminal alone.
class Progress {
 public:
  explicit Progress(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) != 0) {}

  void show(std::uint64_t ended, std::uint64_t count, proc_connection_state state) {
    if (shown_ && Clock::now() >= next_) {
      next_ = Clock::now() + std::chrono::milliseconds(100);
      std::fprintf(stderr, "\r\033[K%llu of %llu ended, %s", static_cast<unsigned long long>(ended),
                   static_cast<unsigned long long>(count), game_host::name_of(state));
    }
  }
  void clear() const {
    if (shown_) {
      std::fputs("\r\033[K", stderr);
    }
  }

 private:
  bool shown_;
  Clock::time_point next_{};
};

class Game {
 public:
  Game(const Options& options, const std::string& address, std::size_t nodes_of_fleet)
      : options_(options), watch_(options.plugin), client_(make_client(address)) {
    report_.set_nodes(nodes_of_fleet);
    if (!options_.metrics_address.empty()) {
      try {
        metrics_server_.emplace(*client_, options_.metrics_address);
      } catch (const std::runtime_error& error) {
        throw std::runtime_error(std::string("--metrics: ") + error.what());
      }
      std::cerr << "metrics at " << metrics_server_->url() << std::endl;
    }
  }

  // False if Ctrl-C ended it.
  bool run() {
    Progress progress(!options_.json && !options_.live);
    std::optional<LiveView> live;
    if (options_.live) {
      live.emplace();
    }
    const Clock::time_point start = Clock::now();
    Clock::time_point next_tick = start;
    while ((report_.ended() < options_.count || options_.watch) && !g_interrupted.load()) {
      submit(Clock::now() - start);
      poll();
      const std::string swapped = swap_if_changed();
      if (!swapped.empty()) {
        progress.clear();
        live ? live->note(swapped) : static_cast<void>(std::cerr << swapped << std::endl);
      }
      if (live && live->due(Clock::now())) {
        live->show(*client_, Clock::now());
      }
      progress.show(report_.ended(), options_.count, client_->connection());
      // The rest of the tick is the game's own.
      next_tick = std::max(next_tick + options_.tick, Clock::now() - options_.tick);
      std::this_thread::sleep_until(next_tick);
    }
    progress.clear();
    live.reset();
    client_->shutdown(std::chrono::seconds(1));
    time_ = Clock::now() - start;
    return !g_interrupted.load();
  }

  void print() const {
    if (options_.json) {
      report_.print_json(std::cout, version_, time_);
    } else {
      report_.print_table(std::cout, version_, time_);
    }
  }

  bool all_allocated() const { return report_.allocated() == options_.count; }

 private:
  std::unique_ptr<agones::Client> make_client(const std::string& address) {
    agones::ClientOptions options;
    options.client_id = "game-host";
    options.processor_address = address;
    options.plaintext = !options_.tls;
    options.tls_ca_file = options_.tls_ca;
    options.tls_certificate_file = options_.tls_certificate;
    options.tls_key_file = options_.tls_key;
    options.tls_server_name = options_.tls_server_name;
    options.log_level = options_.verbose ? PROC_SEVERITY_DEBUG : PROC_SEVERITY_WARNING;
    options.settings = {{"plugin_file", options_.plugin},
                        {"unknown_fields", options_.unknown_fields},
                        {"allocation_timeout_ms", std::to_string(options_.timeout.count())}};
    options.on_orphan = [this](const agones::Orphan&) { report_.add_orphan(); };
    options.on_log = agones::boost_log_sink();
    auto client = std::make_unique<agones::Client>(agones::Library::load(options_.library), options);
    version_ = client->plugin_version();
    return client;
  }

  void submit(Clock::duration elapsed) {
    std::uint64_t allowed = options_.watch ? UINT64_MAX : options_.count;
    if (options_.rate > 0) {
      const double due = std::chrono::duration<double>(elapsed).count() * options_.rate + 1;
      allowed = std::min(allowed, static_cast<std::uint64_t>(due));
    }
    while (submitted_ < allowed && submitted_ - report_.ended() < options_.concurrency) {
      const auto keep = [this](const agones::Result& result) { report_.add(result); };
      const auto submitted = options_.request_is_manifest ? client_->allocate_manifest(options_.request, keep)
                                                          : client_->allocate_json(options_.request, keep);
      if (submitted.status == PROC_ERR_QUEUE_FULL) {
        return;
      }
      if (!submitted) {
        throw std::runtime_error("--request: " + submitted.error);
      }
      ++submitted_;
    }
  }

  void poll() {
    const Clock::time_point start = Clock::now();
    client_->poll(0, options_.poll_budget);
    report_.add_poll(Clock::now() - start);
  }

  // What to say of a swap that has ended.
  std::string swap_if_changed() {
    using State = agones::SwapReport::State;
    if (!options_.watch) {
      return {};
    }
    std::ostringstream said;
    const agones::SwapReport report = client_->swap_report();
    if (swapping_ && report.state != State::kRunning) {
      swapping_ = false;
      if (report.state == State::kFailed) {
        return "swap refused, " + report.from_version + " goes on: " + report.error;
      }
      version_ = report.to_version;
      said << "swapped " << report.from_version << " -> " << report.to_version << ": " << report.moved
           << " requests moved, " << report.drained << " drained, longest gap "
           << std::chrono::duration<double, std::milli>(report.longest_gap).count() << " ms, old plugin "
           << (report.unloaded ? "unloaded" : "stays mapped: " + report.error);
    }
    if (!swapping_ && watch_.changed()) {
      client_->swap(options_.plugin);
      swapping_ = true;
    }
    return said.str();
  }

  const Options options_;
  Report report_;
  std::uint64_t submitted_ = 0;
  std::chrono::duration<double> time_{0};
  std::string version_;
  bool swapping_ = false;
  game_host::FileWatch watch_;
  std::unique_ptr<agones::Client> client_;
  std::optional<MetricsServer> metrics_server_;
};

// Twice as many as are asked for, so that packing shows; on each node four of mode arena for one of mode lobby.
std::vector<agones::local::GameServer> make_fleets(std::size_t count) {
  constexpr std::size_t kPerNode = 100;
  std::vector<agones::local::GameServer> servers = agones::local::make_servers(2 * count * 5 / 4 + kPerNode);
  std::size_t numbers[2] = {0, 0};
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const bool lobby = i % 5 == 4;
    const std::string fleet = lobby ? "lobby" : "arena";
    servers[i].name = fleet + "-" + std::to_string(++numbers[lobby ? 1 : 0]);
    servers[i].labels = {{"agones.dev/fleet", fleet}, {"mode", fleet}, {"region", "eu"}};
  }
  return servers;
}

struct Embedded {
  std::unique_ptr<agones::local::LocalProcessor> processor;
  std::size_t nodes = 0;
};

Embedded embed_processor(const Options& options) {
  using namespace agones::local;
  FleetFile file;
  if (options.fleet_file.empty()) {
    file.servers = make_fleets(options.count);
  } else {
    file = read_fleet_files({options.fleet_file});
    for (const std::string& note : notes_on(file)) {
      std::cerr << "game-host: " << note << std::endl;
    }
  }
  std::set<std::string> nodes;
  for (const GameServer& server : file.servers) {
    nodes.insert(server.node);
  }
  Rules rules;
  rules.policies = std::move(file.policies);
  Life life;
  if (options.watch) {
    // It goes on without end, and so must the game servers.
    life.session = std::chrono::seconds(2);
  }
  LocalProcessorOptions processor_options;
  processor_options.ledger = [](const LedgerEntry&) {};  // nobody reads it
  return {
      std::make_unique<LocalProcessor>(
          processor_options, std::make_shared<Fleet>(std::move(file.servers), std::move(rules), life, 1, file.fleets)),
      nodes.size()};
}

int run(const Options& options) {
  Embedded embedded;
  if (options.processor.empty()) {
    embedded = embed_processor(options);
  }
  Game game(options, embedded.processor ? embedded.processor->address() : options.processor, embedded.nodes);
  const bool completed = game.run();
  game.print();
  if (!completed) {
    return kExitInterrupted;
  }
  return game.all_allocated() ? 0 : kExitSomeNotAllocated;
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<Options> options;
  try {
    options = game_host::parse_options(argc, argv);
    if (!options) {
      return 0;
    }
    set_up_signals();
    set_up_log();
    return run(*options);
  } catch (const agones::LibraryError& error) {
    std::cerr << "game-host: " << error.what() << '\n';
    return kExitPlugin;
  } catch (const agones::Error& error) {
    std::cerr << "game-host: " << error.what() << '\n';
    return kExitPlugin;
  } catch (const std::exception& error) {
    std::cerr << "game-host: " << error.what() << '\n';
    return kExitUsage;
  }
}
