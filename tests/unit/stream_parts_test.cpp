// SPDX-License-Identifier: Apache-2.0
// The pure parts of the stream: backoff, watchdog, addresses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "stream/address.h"
#include "stream/backoff.h"
#include "stream/endpoint.h"
#include "stream/failure_log.h"
#include "stream/http_status.h"
#include "stream/keepalive.h"
#include "stream/stream_watchdog.h"
#include "stream/system_ca.h"
#include "support/temporary_folder.h"

namespace agones::plugin {
namespace {

TEST(Backoff, DoublesUpToTheMaximumAndStartsAnew) {
  Backoff backoff({milliseconds(100), milliseconds(1000), 0}, 1);
  for (const int expected : {100, 200, 400, 800, 1000, 1000}) {
    EXPECT_EQ(backoff.next(), milliseconds(expected));
  }
  for (int i = 0; i < 100; ++i) {
    backoff.next();
  }
  EXPECT_EQ(backoff.next(), milliseconds(1000));
  backoff.reset();
  EXPECT_EQ(backoff.next(), milliseconds(100));
}

TEST(Keepalive, IsDoubledWhenItIsTooMuch) {
  Keepalive keepalive(milliseconds(12'000));
  keepalive.too_many();
  EXPECT_EQ(keepalive.time(), milliseconds(24'000));
  for (int i = 0; i < 20; ++i) {
    keepalive.too_many();
  }
  EXPECT_EQ(keepalive.time(), milliseconds(600'000)) << "a peer that vanished is still to be noticed";
  Keepalive long_already(milliseconds(86'400'000));
  long_already.too_many();
  EXPECT_EQ(long_already.time(), milliseconds(86'400'000));
}

TEST(Backoff, JitterSpreadsWithinItsBounds) {
  std::set<Duration> waits;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    Backoff backoff({milliseconds(1000), milliseconds(1000), 20}, seed * 7919);
    const Duration wait = backoff.next();
    EXPECT_GE(wait, milliseconds(800));
    EXPECT_LE(wait, milliseconds(1200));
    waits.insert(wait);
  }
  EXPECT_GT(waits.size(), 100U) << "clients would come back all at once";
}

TEST(FailureLog, SaysOnceWhatGoesOnForEachOfMany) {
  FailureLog log;
  for (int round = 0; round < 10; ++round) {
    for (const char* address : {"a", "b", "c"}) {
      EXPECT_EQ(log.failed(address, std::string(address) + ": refused"), round == 0) << address << round;
    }
  }
  EXPECT_TRUE(log.failed("b", "b: timed out")) << "another reason";
  EXPECT_FALSE(log.failed("b", "b: timed out"));
  log.recovered("a");
  EXPECT_TRUE(log.failed("a", "a: refused")) << "it had worked meanwhile";
  EXPECT_FALSE(log.failed("c", "c: refused"));
}

TEST(FailureLog, AConnectionThatBreaksAndItsStreamsAreOnePieceOfNews) {
  FailureLog log;
  EXPECT_TRUE(log.failed("stream to a", "a: closed", "a"));
  EXPECT_FALSE(log.failed("a", "a: closed", "stream to a"));
  EXPECT_TRUE(log.failed("a", "a: refused", "stream to a")) << "another reason";
  EXPECT_TRUE(log.failed("b", "b: closed", "stream to b"));
  EXPECT_FALSE(log.failed("stream to b", "b: closed", "b")) << "in either order";
  log.recovered("b");
  log.recovered("stream to b");
  EXPECT_TRUE(log.failed("b", "b: closed", "stream to b")) << "it had worked meanwhile";
}

TEST(FailureLog, ForgetsWhatIsGone) {
  FailureLog log;
  for (int i = 0; i < 1000; ++i) {
    const std::string address = "10.0.0." + std::to_string(i);
    log.failed(address, "refused");
    log.failed("stream to " + address, "closed");
    log.keep_only({address, "stream to " + address});
  }
  EXPECT_EQ(log.size(), 2U);
  EXPECT_FALSE(log.failed("10.0.0.999", "refused"));
  EXPECT_TRUE(log.failed("10.0.0.1", "refused"));
}

TEST(StreamWatchdog, WaitsForThePullTimeout) {
  StreamWatchdog watchdog(milliseconds(5000), milliseconds(35'000));
  const TimePoint start{};
  watchdog.opened(start);
  EXPECT_EQ(watchdog.pull_deadline(false), start + milliseconds(5000));
  EXPECT_FALSE(watchdog.ever_pulled());
  watchdog.pulled(start + milliseconds(200));
  EXPECT_EQ(watchdog.pull_deadline(false), start + milliseconds(5200));
  EXPECT_TRUE(watchdog.ever_pulled());
  watchdog.opened(start + milliseconds(9000));
  EXPECT_FALSE(watchdog.ever_pulled());
}

TEST(StreamWatchdog, IsLessPatientWhenAnotherServes) {
  StreamWatchdog watchdog(milliseconds(5000), milliseconds(35'000));
  const TimePoint start{};
  watchdog.opened(start);
  EXPECT_EQ(watchdog.pull_deadline(true), start + milliseconds(1000));
  watchdog.pulled(start);
  watchdog.pulled(start + milliseconds(600));
  EXPECT_EQ(watchdog.pull_deadline(true), start + milliseconds(600 + 2400)) << "a slow ticker is not a lost leader";
  watchdog.pulled(start + milliseconds(3000));
  EXPECT_EQ(watchdog.pull_deadline(true), start + milliseconds(3000 + 5000)) << "never over the pull timeout";
}

TEST(StreamWatchdog, WaitsForAnswersToWhatWasSent) {
  StreamWatchdog watchdog(milliseconds(5000), milliseconds(100));
  const TimePoint start{};
  watchdog.opened(start);
  EXPECT_EQ(watchdog.answer_deadline(), TimePoint::max());
  watchdog.sent(start + milliseconds(10));
  watchdog.sent(start + milliseconds(50));
  EXPECT_EQ(watchdog.answer_deadline(), start + milliseconds(110)) << "the first one counts";
  watchdog.answered(start + milliseconds(60));
  EXPECT_EQ(watchdog.answer_deadline(), start + milliseconds(160)) << "an answer is progress";
  watchdog.answered(start + milliseconds(70));
  EXPECT_EQ(watchdog.answer_deadline(), TimePoint::max());
  watchdog.sent(start + milliseconds(80));
  watchdog.opened(start + milliseconds(90));
  EXPECT_EQ(watchdog.answer_deadline(), TimePoint::max()) << "a new stream owes nothing";
}

TEST(SystemCa, IsWhatTheEnvironmentNamesOrWhereTheDistributionsKeepIt) {
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  const std::vector<std::string> known = system_ca_files(nothing);
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    EXPECT_EQ(std::count(known.begin(), known.end(), file), 1) << file;
  }
  const auto named = [](const char* variable) { return std::strcmp(variable, "SSL_CERT_FILE") == 0 ? "/own.pem" : ""; };
  const std::vector<std::string> files = system_ca_files(named);
  ASSERT_EQ(files.size(), known.size() + 1);
  EXPECT_EQ(files.front(), "/own.pem");
}

TEST(SystemCa, IsTheFirstFileWithSomethingInIt) {
  const test::TemporaryFolder folder;
  const std::string missing = folder.file("missing");
  const std::string empty = folder.file("empty");
  const std::string full = folder.file("full");
  const std::string later = folder.file("later");
  std::ofstream{empty};
  std::ofstream(full) << "x";
  std::ofstream(later) << "x";
  EXPECT_EQ(first_readable({missing, empty, full, later}), full);
  EXPECT_EQ(first_readable({missing, empty}), "");
}

TEST(SystemCa, FoldersOfTheEnvironmentAreReadWhole) {
  const test::TemporaryFolder one;
  const test::TemporaryFolder two;
  std::ofstream(one.file("b.pem")) << "-----BEGIN CERTIFICATE-----\nb";
  std::ofstream(one.file("a.pem")) << "-----BEGIN CERTIFICATE-----\na";
  std::ofstream(one.file("README")) << "no certificate";
  std::filesystem::create_symlink("a.pem", one.file("1234abcd.0"));  // OpenSSL's
  std::filesystem::create_directory(one.file("folder"));
  std::ofstream(two.file("real.pem")) << "-----BEGIN CERTIFICATE-----\nc";
  std::filesystem::create_directory(two.file("mounted"));
  std::filesystem::create_symlink("../real.pem", two.file("mounted/ca.crt"));  // Kubernetes'
  const std::string folders = one.file("") + ":/nowhere::" + two.file("mounted");
  const auto environment = [&](const char* variable) {
    return std::strcmp(variable, "SSL_CERT_DIR") == 0 ? folders.c_str() : nullptr;
  };
  EXPECT_EQ(system_ca_folders(environment),
            "-----BEGIN CERTIFICATE-----\na\n-----BEGIN CERTIFICATE-----\nb\n-----BEGIN CERTIFICATE-----\nc\n");
  EXPECT_EQ(system_ca_folders([](const char*) { return nullptr; }), "");
}

TEST(Endpoints, AreRead) {
  std::vector<Endpoint> list;
  ASSERT_EQ(parse_endpoints("processor.agones:9090, 10.0.0.1,[::1]:80,fe80::1", list).text, "");
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].host, "processor.agones");
  EXPECT_EQ(list[0].port, "9090");
  EXPECT_EQ(list[1].port, "9090");
  EXPECT_EQ(list[2].host, "::1");
  EXPECT_EQ(list[2].port, "80");
  EXPECT_EQ(list[3].host, "fe80::1");
}

std::string problem_of(const char* endpoints) {
  std::vector<Endpoint> list;
  return parse_endpoints(endpoints, list).text;
}

TEST(Endpoints, BadOnesAreNamed) {
  for (const char* text :
       {"", ",", "host:", "host:0", "host:65536", "host:x", ":1", "[::1", "[::1]x", "a b:1", "h:1,", "http://h:1"}) {
    EXPECT_NE(problem_of(text), "") << text;
  }
}

TEST(Endpoints, BlanksAroundAreOfNoImportance) {
  std::vector<Endpoint> list;
  ASSERT_EQ(parse_endpoints("\t processor:1\r\n,\n10.0.0.1 , [fe80::1%eth0]:2\n", list).text, "");
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].host, "processor");
  EXPECT_EQ(list[0].port, "1");
  EXPECT_EQ(list[1].host, "10.0.0.1");
  EXPECT_EQ(list[2].host, "fe80::1%eth0");
  EXPECT_EQ(list[2].port, "2");
}

TEST(Endpoints, OtherFormsAreRefusedByTheirNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"ipv4:1.2.3.4:9090", "gRPC's target syntax"},
      {"ipv6:[::1]:9090", "gRPC's target syntax"},
      {"dns:host:9090", "gRPC's target syntax"},
      {"dns:///host:9090", "gRPC's target syntax"},
      {"unix:/socket", "gRPC's target syntax"},
      {"xds:///service", "gRPC's target syntax"},
      {"a:1;b:2", "separated by commas"},
      {"a:1 b:2", "separated by commas"},
      {"a:1\nb:2", "separated by commas"},
      {"https://host:9090", "this is a URL"},
      {"grpc://host:9090", "this is a URL"},
      {"a:1,,b:2", "nothing stands there"},
      {"[1.2.3.4]:9090", "is not host:port"},
      {"[host]:9090", "is not host:port"},
      {"a:b:c", "is not host:port"},
      {"fe80::1%", "is not host:port"},
      {"[fe80::1%]:1", "is not host:port"},
      {"ho\x01st", "'ho\\x01st' is not host:port"},
      {"user@host:1", "is not host:port"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_NE(problem_of(text).find(words), std::string::npos) << text << ": " << problem_of(text);
  }
  // Names that only look like one.
  for (const char* text : {"dns:9090", "ipv4", "unix:1", "xds.example:9090", "under_score.example"}) {
    EXPECT_EQ(problem_of(text), "") << text;
  }
}

TEST(Addresses, AreWhatGrpcAndTheProcessorTake) {
  const auto only = [](const char* text) {
    std::vector<Endpoint> endpoints;
    EXPECT_TRUE(parse_endpoints(text, endpoints).ok());
    const Resolution resolution = resolve(endpoints, true);
    EXPECT_EQ(resolution.problem, "");
    return resolution.addresses.empty() ? Address{} : resolution.addresses.front();
  };
  EXPECT_EQ(only("127.0.0.1:45351").target, "ipv4:127.0.0.1:45351");
  EXPECT_EQ(only("127.0.0.1:45351").authority, "127.0.0.1:45351");
  for (const char* text : {"[::1]:9090", "::1"}) {
    EXPECT_EQ(only(text).target, "ipv6:[::1]:9090");
    EXPECT_EQ(only(text).authority, "[::1]:9090") << "brackets, as in a URL";
    EXPECT_EQ(only(text).host, "::1");
  }
  const Address with_zone = only("[fe80::1%lo]:9090");
  EXPECT_EQ(with_zone.target, "ipv6:[fe80::1%lo]:9090");
  EXPECT_EQ(with_zone.authority, "[fe80::1]:9090") << "a zone is of this machine alone";
  EXPECT_EQ(with_zone.host, "fe80::1");
  EXPECT_EQ(to_grpc_target(with_zone.target), "ipv6:[fe80::1%25lo]:9090");
  EXPECT_EQ(resolve({{"host.test", "1"}}, true).unresolved, std::vector<std::string>{"host.test:1"});
}

TEST(HttpStatus, IsFoundInGrpcsWords) {
  EXPECT_EQ(http_status_in("Received http2 header with status: 401"), "401");
  EXPECT_EQ(http_status_in("Received http2 header with status: 503, and more"), "503");
  EXPECT_EQ(http_status_in("Socket closed"), "");
}

}  // namespace
}  // namespace agones::plugin
