// SPDX-License-Identifier: Apache-2.0
// local-processor: the processor as a program.
#include <signal.h>

#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "local-processor/local_processor.h"

namespace {

namespace po = boost::program_options;
using namespace agones::local;

struct CommandLine {
  LocalProcessorOptions options;
  std::string fleet_file;
  std::size_t servers = 0;
  std::uint32_t return_after_ms = 0;
  std::string port_file;
  std::string ledger_file;
  bool help = false;
};

std::string read_file(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error("cannot read '" + path + "'");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

po::options_description describe(CommandLine& line, std::uint32_t& pull_ms, std::uint32_t& work_ms,
                                 std::uint32_t& latency_ms, bool& standby, std::string (&tls)[3]) {
  Faults& faults = line.options.faults;
  po::options_description general(
      "local-processor: the Agones allocation processor over an in-memory fleet\n\n"
      "SIGUSR1 switches between serving and standby, SIGINT and SIGTERM end it.\n\nOptions");
  general.add_options()("help,h", po::bool_switch(&line.help), "show this text")(
      "listen", po::value(&line.options.address)->default_value("127.0.0.1:9090"), "address; port 0: any free one")(
      "servers", po::value(&line.servers)->default_value(1000), "so many game servers of fleet 'local'")(
      "fleet-file", po::value(&line.fleet_file), "game servers from a file instead")(
      "return-after-ms", po::value(&line.return_after_ms)->default_value(0),
      "game servers are ready again so long after they were allocated; 0: never")(
      "pull-interval-ms", po::value(&pull_ms)->default_value(200), "time between pulls")(
      "standby", po::bool_switch(&standby), "start as a replica that does not serve")(
      "tls-certificate", po::value(&tls[0]), "PEM file; with it, the processor speaks TLS")(
      "tls-key", po::value(&tls[1]), "PEM file")("tls-client-ca", po::value(&tls[2]),
                                                 "PEM file; with it, clients must show a certificate")(
      "port-file", po::value(&line.port_file), "write the address here once it listens")(
      "ledger", po::value(&line.ledger_file), "write all allocations here as JSON at the end");
  po::options_description fault_options("Faults, to test hosts with (rates are from 0 to 1, per batch)");
  fault_options.add_options()("work-ms", po::value(&work_ms)->default_value(0), "wait before each batch is worked on")(
      "latency-ms", po::value(&latency_ms)->default_value(0), "wait before each answer")(
      "error-rate", po::value(&faults.error_rate), "requests that fail")(
      "error-code", po::value(&faults.error_code)->default_value(13), "gRPC code of these")(
      "drop-before-answer", po::value(&faults.drop_before_answer), "end the stream instead of answering")(
      "drop-after-answer", po::value(&faults.drop_after_answer), "end the stream after answering")(
      "answer-twice", po::value(&faults.answer_twice), "repeat the answer")(
      "answer-unknown-ids", po::value(&faults.answer_unknown_ids), "also answer an id that nobody asked for")(
      "answer-garbage", po::value(&faults.answer_garbage), "send bytes that are no answer")(
      "oversize-bytes", po::value(&faults.oversize_bytes), "pad answers to at least so many bytes")(
      "stop-pulling", po::bool_switch(&faults.stop_pulling), "never pull")(
      "stop-reading", po::bool_switch(&faults.stop_reading), "never read a batch")(
      "seed", po::value(&line.options.seed)->default_value(1), "of the rates");
  return general.add(fault_options);
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  std::uint32_t pull_ms = 0;
  std::uint32_t work_ms = 0;
  std::uint32_t latency_ms = 0;
  bool standby = false;
  std::string tls[3];
  const po::options_description description = describe(line, pull_ms, work_ms, latency_ms, standby, tls);
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, description), values);
  po::notify(values);
  if (line.help) {
    std::cout << description;
    return line;
  }
  if (pull_ms == 0) {
    throw std::runtime_error("--pull-interval-ms must be at least 1");
  }
  line.options.pull_interval = std::chrono::milliseconds(pull_ms);
  line.options.faults.work = std::chrono::milliseconds(work_ms);
  line.options.faults.latency = std::chrono::milliseconds(latency_ms);
  line.options.serving = !standby;
  line.options.certificate_pem = read_file(tls[0]);
  line.options.key_pem = read_file(tls[1]);
  line.options.client_ca_pem = read_file(tls[2]);
  return line;
}

void write_ledger(const std::string& path, const LocalProcessor& processor) {
  nlohmann::ordered_json allocations = nlohmann::ordered_json::array();
  for (const LedgerEntry& entry : processor.ledger()) {
    allocations.push_back(
        {{"clientId", entry.client_id}, {"requestId", entry.request_id}, {"gameServer", entry.game_server}});
  }
  std::ofstream(path) << nlohmann::ordered_json{{"allocations", allocations}}.dump(1) << '\n';
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
  auto fleet =
      std::make_shared<Fleet>(line.fleet_file.empty() ? make_servers(line.servers) : read_fleet_file(line.fleet_file));
  fleet->return_after(std::chrono::milliseconds(line.return_after_ms));
  LocalProcessor processor(line.options, fleet);
  std::cout << "local-processor: " << fleet->size() << " game servers, listening on " << processor.address()
            << std::endl;
  if (!line.port_file.empty()) {
    // Renamed into place, so that a reader never sees half of it.
    const std::string temporary = line.port_file + ".new";
    std::ofstream(temporary) << processor.address() << '\n';
    std::rename(temporary.c_str(), line.port_file.c_str());
  }
  for (bool serving = line.options.serving; signals.wait() == SIGUSR1;) {
    serving = !serving;
    processor.set_serving(serving);
  }
  processor.kill();
  if (!line.ledger_file.empty()) {
    write_ledger(line.ledger_file, processor);
  }
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
  } catch (const std::exception& error) {
    std::cerr << "local-processor: " << error.what() << '\n';
    return 1;
  }
}
