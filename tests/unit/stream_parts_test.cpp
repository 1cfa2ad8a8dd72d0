// SPDX-License-Identifier: Apache-2.0
// The pure parts of the stream: backoff, watchdog, addresses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

#include "stream/backoff.h"
#include "stream/endpoint.h"
#include "stream/failure_log.h"
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

TEST(Endpoints, AreRead) {
  const EndpointList list = parse_endpoints("processor.agones:9090, 10.0.0.1,[::1]:80,fe80::1");
  ASSERT_EQ(list.problem, "");
  ASSERT_EQ(list.endpoints.size(), 4U);
  EXPECT_EQ(list.endpoints[0].host, "processor.agones");
  EXPECT_EQ(list.endpoints[0].port, "9090");
  EXPECT_EQ(list.endpoints[1].port, "9090");
  EXPECT_EQ(list.endpoints[2].host, "::1");
  EXPECT_EQ(list.endpoints[2].port, "80");
  EXPECT_EQ(list.endpoints[3].host, "fe80::1");
}

TEST(Endpoints, BadOnesAreNamed) {
  for (const char* text :
       {"", ",", "host:", "host:0", "host:65536", "host:x", ":1", "[::1", "[::1]x", "a b:1", "h:1,", "http://h:1"}) {
    EXPECT_NE(parse_endpoints(text).problem, "") << text;
  }
}

}  // namespace
}  // namespace agones::plugin
