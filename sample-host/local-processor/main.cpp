// SPDX-License-Identifier: Apache-2.0
// local-processor: the processor as a program.
#include <grpc/support/log.h>
#include <signal.h>

#include <boost/program_options.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/read_file.h"
#include "listen-address/listen_address.h"
#include "local-processor/fleet_file.h"
#include "local-processor/http/http_side.h"
#include "local-processor/local_processor.h"
#include "local-processor/request_text.h"

namespace {

namespace po = boost::program_options;
using namespace agones::local;
using agones::plugin::read_file;

constexpr std::uint16_t kDefaultPort = 9090;

struct CommandLine {
  LocalProcessorOptions options;
  Rules rules;
  std::vector<std::string> fleet_files;
  std::size_t servers = 0;
  Life life;
  std::string http;
  std::string port_file;
  std::string http_port_file;
  std::string ledger_file;
  std::string explain;
  bool help = false;
};

// As they are typed; the rest goes straight into the CommandLine.
struct Typed {
  std::uint32_t pull_ms = 0;
  std::uint32_t work_ms = 0;
  std::uint32_t latency_ms = 0;
  std::uint32_t session_ms = 0;
  std::uint32_t start_ms = 0;
  bool like_agones = false;
  std::string agones;
  std::optional<std::uint32_t> batch_wait_ms;
  std::optional<double> updates_per_second;
  std::optional<std::uint32_t> update_burst;
  std::optional<std::uint32_t> updates_at_a_time;
  std::optional<std::uint32_t> update_ms;
  double slow_update_rate = 0;
  std::uint32_t slow_update_ms = 0;
  std::string feature_gates;
  bool standby = false;
  std::string certificate;
  std::string key;
  std::string client_ca;
};

template <typename T>
auto optional_value(std::optional<T>& target) {
  return po::value<T>()->notifier([&target](const T& value) { target = value; });
}

po::options_description describe(CommandLine& line, Typed& typed) {
  po::options_description general(
      "local-processor: the Agones allocation processor over an in-memory fleet. It decides as Agones v1.60 does,\n"
      "or as the batch allocator that is to come.\n\n"
      "SIGUSR1 switches between serving and standby, SIGINT and SIGTERM end it.\n\n"
      "Exit codes: 0 ended by a signal, 1 it could not start (with --explain: none is left), 2 wrong usage, or a\n"
      "file that it can't use\n\nOptions");
  general.add_options()("help,h", po::bool_switch(&line.help), "show this text")(
      "listen", po::value(&line.options.address)->default_value("127.0.0.1:9090"),
      "HOST[:PORT]; without a port 9090, port 0: any free one")(
      "http", po::value(&line.http)->value_name("HOST:PORT"),
      "also serve a page with the live fleet, and what scripts ask for: HTTP.md")(
      "pull-interval-ms", po::value(&typed.pull_ms)->default_value(200), "time between pulls")(
      "standby", po::bool_switch(&typed.standby), "start as a replica that does not serve")(
      "tls-certificate", po::value(&typed.certificate), "PEM file; with it, the processor speaks TLS")(
      "tls-key", po::value(&typed.key), "PEM file")("tls-client-ca", po::value(&typed.client_ca),
                                                    "PEM file; with it, clients must show a certificate")(
      "explain", po::value(&line.explain)->value_name("REQUEST"),
      "say why a request finds what it finds in the fleet, and end: JSON, or a file with JSON or YAML; exit code 1: "
      "none is left")("port-file", po::value(&line.port_file), "write the address here once it listens")(
      "http-port-file", po::value(&line.http_port_file), "write the page's URL here once it is served")(
      "ledger", po::value(&line.ledger_file), "write every allocation here as JSON, which is whole at the end");
  po::options_description fleet("The fleet");
  fleet.add_options()("servers", po::value(&line.servers)->default_value(1000),
                      "so many game servers of fleet 'local'")(
      "fleet-file", po::value(&line.fleet_files),
      "game servers from a file instead: what kubectl get gameservers -o yaml prints, manifests of Fleets and "
      "GameServers, or JSON as "
      "in fleet.example.json; a folder of such files, or - for standard input; may be given several times")(
      "session-ms", po::value(&typed.session_ms)->default_value(0),
      "an allocated game server is gone after so long, and another in its place; 0: never")(
      "start-ms", po::value(&typed.start_ms)->default_value(0), "time that another takes to become ready");
  po::options_description cluster("What a cluster's operator decides");
  cluster.add_options()("agones", po::value(&typed.agones)->default_value("v1.60")->value_name("VERSION"),
                        "v1.60, or batch: the batch allocator that is to come, which is not released and may change: "
                        "requests of one batch may get one game server, which is written once for all of them")(
      "http-unallocated-status-code", po::value(&line.rules.unallocated_http_status)->default_value(429),
      "HTTP status for 'none left'; clients get its gRPC code")("feature-gates", po::value(&typed.feature_gates),
                                                                "CountsAndLists=false turns counters and lists off");
  po::options_description timing("How long allocations take: without any of these, no time");
  timing.add_options()("like-agones", po::bool_switch(&typed.like_agones),
                       "as a cluster at its defaults: 50 ms, 400 a second, burst 500, 100 at a time, 5 ms each")(
      "batch-wait-ms", optional_value(typed.batch_wait_ms), "gathering of requests, once none waits")(
      "updates-per-second", optional_value(typed.updates_per_second), "allocations that the API server takes; 0: all")(
      "update-burst", optional_value(typed.update_burst), "of these at once, after a pause")(
      "updates-at-a-time", optional_value(typed.updates_at_a_time), "under way together")(
      "update-ms", optional_value(typed.update_ms), "time of each")(
      "slow-update-rate", po::value(&typed.slow_update_rate)->default_value(0), "so many, of 1, are slow")(
      "slow-update-ms", po::value(&typed.slow_update_ms)->default_value(0), "time of a slow one");
  Faults& faults = line.options.faults;
  po::options_description fault_options("Faults, to test hosts with (rates are from 0 to 1, per batch)");
  fault_options.add_options()("work-ms", po::value(&typed.work_ms)->default_value(0),
                              "wait before each batch is worked on")(
      "latency-ms", po::value(&typed.latency_ms)->default_value(0), "wait before each answer")(
      "error-rate", po::value(&faults.error_rate), "requests that fail")(
      "error-code", po::value(&faults.error_code)->default_value(13), "gRPC code of these")(
      "write-conflict-rate", po::value(&faults.write_conflict_rate), "updates that meet another and are tried again")(
      "write-error-rate", po::value(&faults.write_error_rate), "updates that fail")(
      "drop-before-answer", po::value(&faults.drop_before_answer), "end the stream instead of answering")(
      "drop-after-answer", po::value(&faults.drop_after_answer), "end the stream after answering")(
      "answer-twice", po::value(&faults.answer_twice), "repeat the answer")(
      "answer-unknown-ids", po::value(&faults.answer_unknown_ids), "also answer an id that nobody asked for")(
      "answer-garbage", po::value(&faults.answer_garbage), "send bytes that are no answer")(
      "oversize-bytes", po::value(&faults.oversize_bytes), "pad answers to at least so many bytes")(
      "stop-pulling", po::bool_switch(&faults.stop_pulling), "never pull")(
      "stop-reading", po::bool_switch(&faults.stop_reading), "never read a batch")(
      "seed", po::value(&line.options.seed)->default_value(1), "of everything random");
  return general.add(fleet).add(cluster).add(timing).add(fault_options);
}

// What its user has typed wrongly, or written wrongly into a file that was named.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool good, const char* problem) {
  if (!good) {
    throw UsageError(problem);
  }
}

// Runs what reads the user's input.
template <typename Work>
auto reading(const std::string& option, const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    throw UsageError(option + error.what());
  }
}

QueueTiming timing_from(const Typed& typed) {
  QueueTiming timing = typed.like_agones ? timing_like_agones() : QueueTiming{};
  UpdateTiming& updates = timing.updates;
  timing.batch_wait =
      std::chrono::milliseconds(typed.batch_wait_ms.value_or(static_cast<std::uint32_t>(timing.batch_wait.count())));
  updates.per_second = typed.updates_per_second.value_or(updates.per_second);
  updates.burst = typed.update_burst.value_or(updates.burst);
  updates.at_a_time = typed.updates_at_a_time.value_or(updates.at_a_time);
  if (typed.update_ms) {
    updates.each = std::chrono::milliseconds(*typed.update_ms);
  }
  updates.slow_rate = typed.slow_update_rate;
  updates.slow = std::chrono::milliseconds(typed.slow_update_ms);
  require(updates.per_second >= 0, "--updates-per-second must not be negative");
  require(updates.burst > 0, "--update-burst must be at least 1");
  require(updates.at_a_time > 0, "--updates-at-a-time must be at least 1");
  require(updates.slow_rate >= 0 && updates.slow_rate <= 1, "--slow-update-rate must be from 0 to 1");
  return timing;
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  Typed typed;
  const po::options_description description = describe(line, typed);
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, description), values);
  po::notify(values);
  if (line.help) {
    std::cout << description;
    return line;
  }
  reading("--listen: ", [&] { return listen_address::parse(line.options.address, kDefaultPort); });
  if (!line.http.empty()) {
    reading("--http: ", [&] { return listen_address::parse(line.http); });
  }
  require(typed.pull_ms > 0, "--pull-interval-ms must be at least 1");
  require(typed.feature_gates.empty() || typed.feature_gates == "CountsAndLists=false" ||
              typed.feature_gates == "CountsAndLists=true",
          "--feature-gates must be CountsAndLists=false or CountsAndLists=true");
  require(line.http_port_file.empty() || !line.http.empty(), "--http-port-file needs --http");
  require(typed.certificate.empty() == typed.key.empty(), "--tls-certificate and --tls-key need each other");
  require(typed.client_ca.empty() || !typed.certificate.empty(), "--tls-client-ca needs --tls-certificate");
  require(typed.agones == "v1.60" || typed.agones == "batch", "--agones must be v1.60 or batch");
  line.rules.batches = typed.agones == "batch";
  line.rules.counts_and_lists = typed.feature_gates != "CountsAndLists=false";
  line.life.session = std::chrono::milliseconds(typed.session_ms);
  line.life.start = std::chrono::milliseconds(typed.start_ms);
  line.options.pull_interval = std::chrono::milliseconds(typed.pull_ms);
  line.options.timing = timing_from(typed);
  line.options.faults.work = std::chrono::milliseconds(typed.work_ms);
  line.options.faults.latency = std::chrono::milliseconds(typed.latency_ms);
  line.options.serving = !typed.standby;
  line.options.certificate_pem = reading("", [&] { return read_file(typed.certificate); });
  line.options.key_pem = reading("", [&] { return read_file(typed.key); });
  line.options.client_ca_pem = reading("", [&] { return read_file(typed.client_ca); });
  return line;
}

// Renamed into place, so that a reader never sees half of it.
void write_whole(const std::string& path, const std::string& text) {
  if (!path.empty()) {
    const std::string temporary = path + ".new";
    std::ofstream(temporary) << text << '\n';
    std::rename(temporary.c_str(), path.c_str());
  }
}

// The file of all allocations, written as they come: a processor that runs for days keeps none of them.
class LedgerFile {
 public:
  explicit LedgerFile(const std::string& path) : file_(path) {
    if (!file_) {
      throw std::runtime_error("--ledger: cannot write '" + path + "'");
    }
    file_ << "{\"allocations\": [";
  }
  ~LedgerFile() { file_ << "\n]}\n"; }
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;

  void add(const LedgerEntry& entry) {
    const nlohmann::ordered_json line = {
        {"clientId", entry.client_id}, {"requestId", entry.request_id}, {"gameServer", entry.game_server}};
    file_ << (first_ ? "\n " : ",\n ") << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    first_ = false;
  }

 private:
  std::ofstream file_;
  bool first_ = true;
};

// gRPC writes to stderr why it can't listen; the error says it in fewer words. Whoever asks for gRPC's lines gets them.
class QuietGrpc {
 public:
  QuietGrpc() {
    if (std::getenv("GRPC_VERBOSITY") == nullptr) {
      gpr_set_log_function([](gpr_log_func_args*) {});
    }
  }
  ~QuietGrpc() { gpr_set_log_function(nullptr); }
  QuietGrpc(const QuietGrpc&) = delete;
  QuietGrpc& operator=(const QuietGrpc&) = delete;
};

std::unique_ptr<LocalProcessor> start(const LocalProcessorOptions& options, const std::shared_ptr<Fleet>& fleet) {
  const QuietGrpc quiet;
  return std::make_unique<LocalProcessor>(options, fleet);
}

// Blocks the signals that steer the program, in this thread and all that it starts, and takes them here.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
      sigaddset(&set_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  int wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }

 private:
  sigset_t set_{};
};

int run(const CommandLine& line) {
  const Signals signals;
  FleetFile file;
  if (line.fleet_files.empty()) {
    file.servers = make_servers(line.servers);
  } else {
    file = reading("", [&] { return read_fleet_files(line.fleet_files); });
    for (const std::string& note : notes_on(file)) {
      std::cerr << "local-processor: " << note << std::endl;
    }
  }
  Rules rules = line.rules;
  rules.policies = std::move(file.policies);
  const auto fleet =
      std::make_shared<Fleet>(std::move(file.servers), std::move(rules), line.life, line.options.seed, file.fleets);
  std::optional<LedgerFile> ledger;
  if (!line.ledger_file.empty()) {
    ledger.emplace(line.ledger_file);
  }
  if (!line.explain.empty()) {
    const Explanation explanation =
        reading("--explain: ", [&] { return fleet->explain(request_from_text_or_file(line.explain)); });
    std::cout << text_of(explanation);
    return explanation.matches() > 0 ? 0 : 1;
  }
  LocalProcessorOptions options = line.options;
  options.ledger = [&ledger](const LedgerEntry& entry) {
    if (ledger) {
      ledger->add(entry);
    }
  };
  const std::unique_ptr<LocalProcessor> started = start(options, fleet);
  LocalProcessor& processor = *started;
  std::optional<HttpSide> http;
  if (!line.http.empty()) {
    try {
      http.emplace(line.http, processor, fleet);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(std::string("--http: ") + error.what());
    }
  }
  std::cout << "local-processor: " << fleet->size() << " game servers, listening on " << processor.address()
            << (http ? ", page at " + http->url() : "") << std::endl;
  write_whole(line.port_file, processor.address());
  if (http) {
    write_whole(line.http_port_file, http->url());
  }
  while (signals.wait() == SIGUSR1) {
    processor.set_serving(!processor.serving());
  }
  http.reset();
  processor.kill();
  ledger.reset();
  const ProcessorCounts counts = processor.counts();
  std::cout << "local-processor: " << counts.allocated << " allocated, " << counts.refused << " refused, "
            << counts.batches << " batches, " << counts.pulls << " pulls, " << counts.streams << " streams"
            << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = parse(argc, argv);
    return line.help ? 0 : run(line);
  } catch (const po::error& error) {
    std::cerr << "local-processor: " << error.what() << " (see --help)\n";
    return 2;
  } catch (const UsageError& error) {
    std::cerr << "local-processor: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "local-processor: " << error.what() << '\n';
    return 1;
  }
}
