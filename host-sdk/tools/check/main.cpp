// SPDX-License-Identifier: Apache-2.0
// agones-processor-check: a doctor for plugins' files and for live processors.
#include <unistd.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#if defined(AGONES_CHECK_EXPLAINS)
#include "check/explain.h"
#endif
#include "check/plugin_check.h"
#include "check/plugin_install.h"
#include "check/processor_check.h"

namespace {

namespace po = boost::program_options;

constexpr int kExitBad = 1;
constexpr int kExitUsage = 2;

struct CommandLine {
  std::string file;
  std::string install_to;
  std::string explain;
  bool stays = false;
  check::ProcessorOptions processor;
  bool allocates = false;
  std::string request = "{}";
  std::uint32_t timeout_ms = 0;
  bool json = false;
  bool help = false;
};

po::options_description describe(CommandLine& line) {
  check::ProcessorOptions& processor = line.processor;
  po::options_description options(
      "agones-processor-check FILE                  whether a file is a plugin that a host can use\n"
      "agones-processor-check FILE --install FOLDER [--stay]    and if so, puts it there, at once and whole, for hosts "
      "that watch it;\n                                             --stay: as a sidecar, ends when it is told to\n"
      "agones-processor-check --processor ADDRESS   whether a live processor can be used, and what to do if not\n\n"
#if defined(AGONES_CHECK_EXPLAINS)
      "agones-processor-check --explain FILE --request REQUEST    why a request finds what it finds among the game "
      "servers\n                                             in a file, as 'kubectl get gameservers -A -o json' prints "
      "them, or -\n\n"
#endif
      "Exit codes: 0 good, 1 not good (nothing is found), 2 wrong usage\n\nOptions for a processor");
  options.add_options()("help,h", po::bool_switch(&line.help), "show this text")(
      "processor", po::value(&processor.address),
      "as the plugin's processor_address: host[:port], several with commas")(
      "allocate", po::bool_switch(&line.allocates), "allocate one game server, too. Nothing gives it back")(
      "namespace", po::value(&processor.name_space)->default_value("default"), "of that game server")(
      "request", po::value(&line.request),
      "what to ask for, as JSON; default: any game server; for --explain also a file with a request or a "
      "GameServerAllocation")("pulls", po::value(&processor.pulls)->default_value(5), "to wait for")(
      "timeout-ms", po::value(&line.timeout_ms)->default_value(5000), "for each step")(
      "tls", po::bool_switch(&processor.tls), "connect with TLS; else plaintext")(
      "tls-ca", po::value(&processor.tls_ca), "PEM file; without it, the system's authorities")(
      "tls-certificate", po::value(&processor.tls_certificate), "PEM file")(
      "tls-key", po::value(&processor.tls_key), "PEM file")("tls-server-name", po::value(&processor.tls_server_name),
                                                            "the name to expect in the certificate")(
      "json", po::bool_switch(&line.json), "print the findings as JSON");
  return options;
}

void require(bool good, const char* problem) {
  if (!good) {
    throw po::error(problem);
  }
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  const po::options_description shown = describe(line);
  po::options_description all;
  all.add(shown).add_options()("file", po::value(&line.file))("install", po::value(&line.install_to))(
      "stay", po::bool_switch(&line.stays));
#if defined(AGONES_CHECK_EXPLAINS)
  all.add_options()("explain", po::value(&line.explain));
#endif
  po::positional_options_description positional;
  positional.add("file", 1);
  po::variables_map values;
  po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), values);
  po::notify(values);
  if (line.help) {
    std::cout << shown;
    return line;
  }
  if (!line.explain.empty()) {
    require(line.file.empty() && line.processor.address.empty() && !line.allocates && !line.json,
            "--explain takes --request alone");
    require(values.count("request") != 0, "--explain needs --request");
    return line;
  }
  require(line.file.empty() != line.processor.address.empty(), "give either a FILE or --processor ADDRESS");
  require(line.file.empty() || !line.json, "--json is for processors");
  require(!line.file.empty() || line.install_to.empty(), "--install needs a FILE");
  require(!line.stays || !line.install_to.empty(), "--stay needs --install");
  require(line.allocates || values.count("request") == 0, "--request needs --allocate or --explain");
  require(line.timeout_ms > 0 && line.processor.pulls > 0, "--timeout-ms and --pulls must be at least 1");
  require(line.processor.tls || (line.processor.tls_ca + line.processor.tls_certificate + line.processor.tls_key +
                                 line.processor.tls_server_name)
                                    .empty(),
          "the --tls-... options need --tls");
  require(line.processor.tls_certificate.empty() == line.processor.tls_key.empty(),
          "--tls-certificate and --tls-key need each other");
  line.processor.allocate = line.allocates ? line.request : "";
  line.processor.patience = std::chrono::milliseconds(line.timeout_ms);
  return line;
}

// As the first process of a container, which a signal does not end by itself.
void wait_for_the_end() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  int signal = 0;
  sigwait(&ending, &signal);
}

#if defined(AGONES_CHECK_EXPLAINS)
bool explain(const CommandLine& line) {
  return check::explain(line.explain, line.request, std::cout);
}
#else
bool explain(const CommandLine&) {
  return false;
}
#endif

bool check_file(const CommandLine& line) {
  if (!check::check_plugin(line.file)) {
    return false;
  }
  if (!line.install_to.empty()) {
    check::install_plugin(line.file, line.install_to);
  }
  if (line.stays) {
    std::cout << std::flush;
    wait_for_the_end();
  }
  return true;
}

bool check_processor(const CommandLine& line) {
  if (!line.json) {
    std::cout << line.processor.address << '\n' << std::flush;
  }
  const check::Findings findings = check::check_processor(line.processor);
  if (line.json) {
    findings.print_json(std::cout, line.processor.address);
  } else {
    findings.print(std::cout);
    std::cout << (findings.all_good() ? "it can be used\n" : "it can not be used as it is\n");
  }
  return findings.all_good();
}

// As the plugin does (plugin/DESIGN.md, "The environment"): with a poller that gRPC lacks this program would end at once.
void forget_what_grpc_would_read() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    if (name.substr(0, 5) == "GRPC_" && name != "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") {
      names.emplace_back(name);
    }
  }
  for (const std::string& name : names) {
    unsetenv(name.c_str());
  }
  // What it has to say is said by the findings.
  setenv("GRPC_VERBOSITY", "NONE", 1);
}

}  // namespace

int main(int argc, char** argv) {
  forget_what_grpc_would_read();
  try {
    const CommandLine line = parse(argc, argv);
    if (line.help) {
      return 0;
    }
    const bool good = !line.explain.empty() ? explain(line)
                      : line.file.empty()   ? check_processor(line)
                                            : check_file(line);
    return good ? 0 : kExitBad;
  } catch (const std::exception& error) {
    std::cerr << "agones-processor-check: " << error.what() << " (see --help)\n";
    return kExitUsage;
  }
}
