// SPDX-License-Identifier: Apache-2.0
// Which log lines come, and what the summary says.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/histogram.h"
#include "log/log_limit.h"
#include "log/summary.h"
#include "request/traceparent.h"

namespace agones::plugin {
namespace {

TEST(LogLimit, IsPerKindAndIntervalAndTellsWhatItKept) {
  LogLimit limit;
  TimePoint now{};
  for (std::uint32_t i = 0; i < LogLimit::kMost; ++i) {
    EXPECT_TRUE(limit.ask(LogKind::kGrpc, now).allowed);
  }
  EXPECT_FALSE(limit.ask(LogKind::kGrpc, now).allowed);
  EXPECT_FALSE(limit.ask(LogKind::kGrpc, now + LogLimit::kInterval - milliseconds(1)).allowed);
  EXPECT_TRUE(limit.ask(LogKind::kSummary, now).allowed) << "of another kind";
  now += LogLimit::kInterval;
  const LogLimit::Verdict next = limit.ask(LogKind::kGrpc, now);
  EXPECT_TRUE(next.allowed);
  EXPECT_EQ(next.suppressed, 2U);
  EXPECT_EQ(limit.ask(LogKind::kGrpc, now).suppressed, 0U);
}

TEST(LogKind, HaveNames) {
  for (std::size_t kind = 0; kind < kLogKinds; ++kind) {
    EXPECT_STRNE(name_of(static_cast<LogKind>(kind)), "");
    EXPECT_STRNE(channel_of(static_cast<LogKind>(kind)), "");
  }
}

TEST(Summary, SaysWhatHappenedSinceTheLastOne) {
  const auto field = [](const LogEntry& entry, const std::string& key) {
    const auto found = std::find_if(entry.fields.begin(), entry.fields.end(),
                                    [&](const LogField& candidate) { return candidate.key == key; });
    return found == entry.fields.end() ? "none" : found->value;
  };
  Summary summary;
  Histogram answers;
  answers.record(1'500);
  answers.read(summary.answer_time());
  summary.stats().accepted = 10;
  summary.stats().allocated = 1;
  summary.stats().pending = 9;
  const LogEntry first = summary.next(PROC_CONNECTION_SERVING);
  EXPECT_EQ(first.severity, PROC_SEVERITY_INFO);
  EXPECT_EQ(field(first, "accepted"), "10");
  EXPECT_EQ(field(first, "allocated"), "1");
  EXPECT_EQ(field(first, "connection"), "SERVING");
  EXPECT_EQ(field(first, "answer_p50_ms"), "1.5");
  for (int i = 0; i < 100; ++i) {
    answers.record(250'000);
  }
  answers.read(summary.answer_time());
  summary.stats().accepted = 10;
  summary.stats().allocated = 10;
  summary.stats().pending = 0;
  const LogEntry second = summary.next(PROC_CONNECTION_STANDBY);
  EXPECT_EQ(field(second, "accepted"), "0");
  EXPECT_EQ(field(second, "allocated"), "9");
  EXPECT_EQ(field(second, "pending"), "0");
  EXPECT_EQ(field(second, "answer_p50_ms"), "250.0");
}

TEST(Traceparent, IsCheckedAsTheW3cWritesIt) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(check_traceparent(good).text, "");
  const auto with = [&](std::size_t place, const std::string& text) {
    std::string changed = good;
    return check_traceparent(changed.replace(place, text.size(), text)).text;
  };
  EXPECT_EQ(check_traceparent("00-4bf9").text, "traceparent: 7 characters, must have 55");
  EXPECT_EQ(with(2, "_"), "traceparent: character 2 is not a '-'");
  EXPECT_EQ(with(3, "A"), "traceparent: character 3 is not a small hexadecimal digit");
  EXPECT_EQ(with(0, "ff"), "traceparent: version ff is none");
  EXPECT_EQ(with(36, std::string(16, '0')), "traceparent: a trace or parent of zeros is none");
  EXPECT_EQ(with(3, std::string(32, '0')), "traceparent: a trace or parent of zeros is none");
}

}  // namespace
}  // namespace agones::plugin
