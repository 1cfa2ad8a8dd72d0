// SPDX-License-Identifier: Apache-2.0
// agones-processor-check --processor: every finding, on processors that give cause for it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "support/certificates.h"
#include "support/http2_server.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/raw_processor.h"
#include "support/silent_server.h"
#include "support/temporary_folder.h"
#include "support/wait.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
using nlohmann::json;

struct Diagnosis {
  int exit_code;
  json report;
  // The finding's status and all its words; empty if there is none.
  std::string of(const std::string& check) const {
    std::string all;
    for (const json& finding : report.at("findings")) {
      if (finding.at("check") == check) {
        all += finding.at("status").get<std::string>() + ": " + finding.at("text").get<std::string>() + " -> " +
               finding.value("advice", "") + "\n";
      }
    }
    return all;
  }
};

Diagnosis diagnose(const std::string& address, const std::vector<std::string>& options = {}, int pulls = 3) {
  std::vector<std::string> command = {AGONES_PROCESSOR_CHECK, "--processor", address, "--json", "--pulls",
                                      std::to_string(pulls)};
  command.insert(command.end(), options.begin(), options.end());
  const ProgramResult run = run_program(command);
  EXPECT_EQ(run.errors, "");
  const json report = json::parse(run.output);
  EXPECT_EQ(report.at("good"), run.exit_code == 0);
  return {run.exit_code, report};
}

testing::AssertionResult has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos ? testing::AssertionSuccess()
                                              : testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

TEST(Doctor, AGoodClusterIsGood) {
  const auto fleet = fleet_of(3);
  local::LocalProcessorOptions standby = quick_options();
  standby.serving = false;
  const LocalProcessor first(standby, fleet);
  const LocalProcessor second(quick_options(), fleet);
  const Diagnosis found = diagnose(first.address() + "," + second.address());
  EXPECT_EQ(found.exit_code, 0) << found.report.dump(1);
  EXPECT_TRUE(has(found.of("resolve"), "good: 127.0.0.1 is " + first.address()));
  EXPECT_TRUE(has(found.of("connect"), "speaks HTTP/2 in plaintext"));
  EXPECT_TRUE(has(found.of("health"), first.address() + " is a standby"));
  EXPECT_TRUE(has(found.of("health"), second.address() + " is the leader"));
  EXPECT_TRUE(has(found.of("pulls"), "good: it registers, and is pulled every "));
  EXPECT_TRUE(has(found.of("decisions"), "good: a batch is answered in "));
  EXPECT_TRUE(has(found.of("none-left"), "good: 'no game server is left' is said with code 8"));
  EXPECT_TRUE(has(found.of("version"), "good: it knows matchExpressions"));
  EXPECT_EQ(found.of("allocate"), "");
  EXPECT_TRUE(second.ledger().empty()) << "it allocates nothing";
}

TEST(Doctor, AllocatesOnRequest) {
  const LocalProcessor processor(quick_options(), fleet_of(1));
  Diagnosis found = diagnose(processor.address(), {"--allocate"});
  EXPECT_EQ(found.exit_code, 0);
  EXPECT_TRUE(has(found.of("allocate"), "good: allocated local-1 at 10.0.0.0:7000 on node-1 in "));
  found = diagnose(processor.address(), {"--allocate"});
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(has(found.of("allocate"), "bad: refused with code 8"));
  EXPECT_TRUE(has(found.of("allocate"), "kubectl get gameservers -n default"));
  found = diagnose(processor.address(), {"--allocate", "--request", R"({"counters":{"p":{"amount":1}}})"});
  EXPECT_TRUE(has(found.of("allocate"), "bad: refused with code 3: GameServerAllocation"));
}

TEST(Doctor, SaysWhatIsWrongWithTheWayThere) {
  Diagnosis found = diagnose("no-such-name.invalid");
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(has(found.of("resolve"), "bad: no-such-name.invalid can't be resolved"));
  EXPECT_TRUE(has(found.of("resolve"), "ProcessorAllocator=true"));

  std::string gone;
  {
    const LocalProcessor processor(quick_options(), fleet_of(1));
    gone = processor.address();
  }
  found = diagnose(gone);
  EXPECT_TRUE(has(found.of("connect"), "bad: " + gone + ": Connection refused -> nothing listens there"));
  const SilentServer silent;
  found = diagnose(silent.address(), {"--timeout-ms", "300"});
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(has(found.of("connect"), "no answer -> a NetworkPolicy or a firewall"));
}

// Answers whoever connects as an HTTP/1 server would.
class WebServer {
 public:
  WebServer() : listener_(1) {
    thread_ = std::thread([this] {
      const int client = accept(listener_.fd(), nullptr, nullptr);
      const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
      EXPECT_GT(send(client, answer.data(), answer.size(), MSG_NOSIGNAL), 0);
      close(client);
    });
  }
  ~WebServer() { thread_.join(); }
  std::string address() const { return listener_.address(); }

 private:
  Listener listener_;
  std::thread thread_;
};

TEST(Doctor, KnowsWhatIsNoProcessor) {
  {
    const WebServer web;
    EXPECT_TRUE(has(diagnose(web.address()).of("connect"), "does not speak HTTP/2 -> is this the gRPC port"));
  }
  local::LocalProcessorOptions options = quick_options();
  options.health_service = false;
  const LocalProcessor without_health(options, fleet_of(1));
  EXPECT_TRUE(has(diagnose(without_health.address()).of("health"), "is no processor"));

  RawProcessor::Options raw;
  raw.implemented = false;
  const RawProcessor older(raw, good_answer);
  EXPECT_TRUE(has(diagnose(older.address()).of("pulls"), "older than v1.54"));
}

TEST(Doctor, TellsAWebServerFromAProcessor) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_certificate("ca", "server", "api.test", 10);
  const Http2Server api("401", certificates.path("server.pem"), certificates.path("server.key"));
  Diagnosis found = diagnose(api.address(), {"--tls", "--tls-ca", certificates.path("ca.pem")});
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(
      has(found.of("health"), "is no processor: TLS works, but it answers with HTTP status 401, not with gRPC"));
  EXPECT_EQ(found.of("health").find("authority"), std::string::npos) << found.of("health");
  EXPECT_EQ(found.of("leader"), "") << "no processor was found that could lead";
  const Http2Server plain("404");
  found = diagnose(plain.address());
  EXPECT_TRUE(has(found.of("health"), "is no processor: it answers with HTTP status 404, not with gRPC"));
  EXPECT_EQ(found.of("leader"), "");
}

TEST(Doctor, ReadsOfTheEnvironmentWhatThePluginReads) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_certificate("ca", "server", "processor.test", 10);
  local::LocalProcessorOptions options = quick_options();
  options.certificate_pem = certificates.read("server.pem");
  options.key_pem = certificates.read("server.key");
  const LocalProcessor processor(options, fleet_of(1));
  const std::string ca = certificates.path("ca.pem");
  for (const std::string& authorities : {"SSL_CERT_FILE=" + ca, "SSL_CERT_DIR=" + ca.substr(0, ca.rfind('/')),
                                         "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + ca}) {
    const ProgramResult run = run_program(
        {"env", "-u", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "-u", "SSL_CERT_FILE", "-u", "SSL_CERT_DIR", authorities,
         "GRPC_POLL_STRATEGY=none", "GRPC_TRACE=bogus", "GRPC_VERBOSITY=debug", "GRPC_SSL_CIPHER_SUITES=bogus",
         "https_proxy=http://127.0.0.1:1", AGONES_PROCESSOR_CHECK, "--processor", processor.address(), "--tls"});
    EXPECT_EQ(run.exit_code, 0) << authorities << "\n" << run.output;
    EXPECT_EQ(run.errors, "") << authorities;
  }
}

TEST(Doctor, EndsItsStreamsAsTheProcessorExpects) {
  RawProcessor::Options raw;
  const RawProcessor processor(raw, good_answer);
  diagnose(processor.address(), {}, 1);
  ASSERT_TRUE(wait_until([&] { return processor.ended_by_client() + processor.cancelled() == processor.streams(); }));
  EXPECT_GE(processor.ended_by_client(), 2);
  EXPECT_EQ(processor.cancelled(), 0);
}

TEST(Doctor, GoesTheWayOfThePlugin) {
  RawProcessor::Options raw;
  raw.listen = "[::1]:0";
  const RawProcessor processor(raw, good_answer);
  diagnose(processor.address(), {}, 1);
  const std::set<std::string> by_doctor = processor.authorities();
  EXPECT_EQ(by_doctor, std::set<std::string>{processor.address()}) << "with brackets";
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(processor.authorities(), by_doctor);
}

TEST(Doctor, MissesTheLeader) {
  local::LocalProcessorOptions standby = quick_options();
  standby.serving = false;
  const LocalProcessor one(standby, fleet_of(1));
  const Diagnosis found = diagnose(one.address());
  EXPECT_EQ(found.exit_code, 1);
  EXPECT_TRUE(has(found.of("leader"), "bad: no replica is the leader"));

  const LocalProcessor first(quick_options(), fleet_of(1));
  const LocalProcessor second(quick_options(), fleet_of(1));
  EXPECT_TRUE(has(diagnose(first.address() + "," + second.address()).of("leader"), "bad: 2 replicas say"));
}

TEST(Doctor, MissesPullsAndAnswers) {
  local::LocalProcessorOptions silent = quick_options();
  silent.faults.stop_pulling = true;
  const LocalProcessor processor(silent, fleet_of(1));
  EXPECT_TRUE(has(diagnose(processor.address(), {"--timeout-ms", "3000"}, 1).of("pulls"),
                  "bad: registered, but pulled only 0 times"));

  local::LocalProcessorOptions slow = quick_options();
  slow.faults = answers_held_back();
  const LocalProcessor held(slow, fleet_of(1));
  EXPECT_TRUE(has(diagnose(held.address(), {"--timeout-ms", "3000"}).of("decisions"), "bad: a batch was not answered"));
}

TEST(Doctor, TellsWhatTheOperatorChose) {
  local::Rules rules;
  rules.unallocated_http_status = 404;
  const LocalProcessor processor(quick_options(), std::make_shared<local::Fleet>(local::make_servers(1), rules));
  const Diagnosis found = diagnose(processor.address());
  EXPECT_EQ(found.exit_code, 0);
  EXPECT_TRUE(has(found.of("none-left"), "note: 'no game server is left' is said with code 5"));
}

TEST(Doctor, AnOldProcessorIgnoresExpressions) {
  RawProcessor::Options raw;
  const RawProcessor old(raw, good_answer);
  const Diagnosis found = diagnose(old.address(), {}, 1);  // it pulls once
  EXPECT_TRUE(has(found.of("version"), "note: it does not look at matchExpressions: this Agones is older than v1.59"));
}

TEST(Doctor, TlsAgainstPlaintext) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_ca("other");
  certificates.make_certificate("ca", "server", "processor.test", 10);
  local::LocalProcessorOptions options = quick_options();
  options.certificate_pem = certificates.read("server.pem");
  options.key_pem = certificates.read("server.key");
  const LocalProcessor encrypted(options, fleet_of(1));
  const std::string ca = certificates.path("ca.pem");
  EXPECT_TRUE(has(diagnose(encrypted.address()).of("connect"), "plaintext was asked for -> try --tls")
                  ? testing::AssertionSuccess()
                  : has(diagnose(encrypted.address()).of("connect"), "answers nothing in plaintext -> try --tls"));
  EXPECT_EQ(diagnose(encrypted.address(), {"--tls", "--tls-ca", ca}).exit_code, 0);
  EXPECT_EQ(diagnose(encrypted.address(), {"--tls", "--tls-ca", ca, "--tls-server-name", "processor.test"}).exit_code,
            0);
  EXPECT_TRUE(
      has(diagnose(encrypted.address(), {"--tls", "--tls-ca", ca, "--tls-server-name", "another.test"}).of("health"),
          "is the certificate for this name"));
  EXPECT_TRUE(has(diagnose(encrypted.address(), {"--tls", "--tls-ca", certificates.path("other.pem")}).of("health"),
                  "is the authority right"));
  const LocalProcessor plain(quick_options(), fleet_of(1));
  EXPECT_TRUE(has(diagnose(plain.address(), {"--tls", "--tls-ca", ca}).of("connect"),
                  "speaks plaintext, and TLS was asked for"));
}

TEST(Doctor, WrongUsageIsNamed) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "give either a FILE or --processor"},
      {{"file.so", "--processor", "a"}, "give either a FILE or --processor"},
      {{"--processor", "a b"}, "'a b' is not host:port"},
      {{"--processor", "a", "--tls-ca", "x"}, "need --tls"},
      {{"--processor", "a", "--tls", "--tls-ca", "/nowhere"}, "cannot read '/nowhere'"},
      {{"--processor", "a", "--request", "{}"}, "--request needs --allocate or --explain"},
      {{"--explain", "x"}, "--explain needs --request"},
      {{"--explain", "x", "--processor", "a", "--request", "{}"}, "--explain takes --request alone"},
      {{"--explain", "/nowhere", "--request", "{}"}, "cannot read the fleet file '/nowhere'"},
      {{"--processor", "a", "--allocate", "--request", "{"}, "the request: "},
      {{"--processor", "a", "--allocate", "--request", R"({"nmespace":""})"}, "the request: "},
      {{"--processor", "a", "--pulls", "0"}, "must be at least 1"},
      {{"--colour"}, "unrecognised option"},
  };
  for (const auto& [options, problem] : cases) {
    std::vector<std::string> command = {AGONES_PROCESSOR_CHECK};
    command.insert(command.end(), options.begin(), options.end());
    const ProgramResult run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << problem;
    EXPECT_TRUE(has(run.errors, problem));
  }
}

TEST(Doctor, ExplainsFromWhatKubectlPrints) {
  const TemporaryFolder folder;
  const std::string servers = folder.file("servers.json");
  std::ofstream(servers) << R"({"kind":"List","items":[
    {"kind":"GameServer","metadata":{"name":"a","namespace":"games","labels":{"agones.dev/fleet":"blue"}},"status":{"state":"Allocated"}},
    {"kind":"GameServer","metadata":{"name":"b","namespace":"games","labels":{"agones.dev/fleet":"red"}},"status":{"state":"Ready"}}]})";
  const std::string request = folder.file("allocation.yaml");
  std::ofstream(request)
      << "apiVersion: allocation.agones.dev/v1\nkind: GameServerAllocation\nmetadata: {namespace: games}\n"
         "spec: {selectors: [{matchLabels: {agones.dev/fleet: blue}}]}\n";
  ProgramResult run = run_program({AGONES_PROCESSOR_CHECK, "--explain", servers, "--request", request});
  EXPECT_EQ(run.exit_code, 1) << run.errors;
  EXPECT_EQ(run.output,
            "gameServerSelectors[0]\n  2 pass namespace games\n  1 pass agones.dev/fleet=blue\n  0 pass state READY\n"
            "  instead: 1 ALLOCATED\nnone is left\n");
  run = run_program({AGONES_PROCESSOR_CHECK, "--explain", servers, "--request", R"({"namespace":"games"})"});
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_TRUE(has(run.output, "1 can be allocated\n"));
  run = run_program({AGONES_PROCESSOR_CHECK, "--explain", servers, "--request", R"({"nmespace":"games"})"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(has(run.errors, "--request: nmespace: unknown field"));
}

TEST(Doctor, TheBatchAllocatorIsAGoodProcessor) {
  local::Rules rules;
  rules.batches = true;
  const LocalProcessor processor(quick_options(), std::make_shared<local::Fleet>(local::make_servers(2), rules));
  const Diagnosis diagnosis = diagnose(processor.address(), {"--allocate"});
  EXPECT_EQ(diagnosis.exit_code, 0) << diagnosis.report;
}

TEST(Doctor, SpeaksPlainly) {
  const LocalProcessor processor(quick_options(), fleet_of(1));
  const ProgramResult run = run_program({AGONES_PROCESSOR_CHECK, "--processor", processor.address()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(has(run.output, "  good  it registers, and is pulled every "));
  EXPECT_TRUE(has(run.output, "\nit can be used\n"));
}

}  // namespace
}  // namespace agones::test
