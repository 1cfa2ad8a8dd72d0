// SPDX-License-Identifier: Apache-2.0
// Seeing what happens: distributions, their text, log lines with names and values, traces.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "support/plugin.h"
#include "support/processor.h"
#include "support/raw_processor.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using local::LocalProcessor;

constexpr std::string_view kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::unique_ptr<proc_metrics> metrics_of(const Client& client) {
  auto metrics = std::make_unique<proc_metrics>();
  metrics->struct_size = sizeof(proc_metrics);
  EXPECT_EQ(client.api().get_metrics(client.handle(), metrics.get(), nullptr, 0), PROC_OK);
  return metrics;
}

std::string text_of(const Client& client) {
  const proc_stats stats = client.stats();
  const auto metrics = metrics_of(client);
  std::string text(64U << 10U, '\0');
  std::uint64_t size = 0;
  EXPECT_EQ(client.api().metrics_to_text(&stats, metrics.get(), text.data(), text.size(), &size, nullptr, 0), PROC_OK);
  text.resize(size);
  return text;
}

TEST(Metrics, CountWhatWasAsked) {
  LocalProcessor processor(quick_options(), fleet_of(50));
  Client client(processor.address());
  for (int i = 0; i < 60; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(60));
  const auto metrics = metrics_of(client);
  const proc_stats stats = client.stats();
  EXPECT_EQ(metrics->answer_time_us.count, 60U);
  EXPECT_EQ(metrics->queue_time_us.count, 60U);
  EXPECT_EQ(metrics->batch_size.count, stats.batches_sent);
  EXPECT_EQ(metrics->batch_size.sum, 60U);
  EXPECT_EQ(metrics->batch_time_us.count, stats.batches_answered);
  // Pulls go on meanwhile.
  EXPECT_GE(metrics->queue_depth.count, 1U);
  EXPECT_EQ(metrics->rejected[8], 10U) << "RESOURCE_EXHAUSTED";
  EXPECT_EQ(std::accumulate(std::begin(metrics->rejected), std::end(metrics->rejected), std::uint64_t{0}), 10U);
  EXPECT_EQ(metrics->connections[PROC_CONNECTION_SERVING], 1U);
  EXPECT_EQ(metrics->max_pending, 1'048'576U);
  std::uint64_t longest = 0;
  std::uint64_t all = 0;
  for (const Event& result : client.results) {
    longest = std::max(longest, result.latency_us);
    all += result.latency_us;
  }
  EXPECT_EQ(metrics->answer_time_us.sum, all) << "the events' own latencies";
  EXPECT_LE(metrics->batch_time_us.sum, longest * stats.batches_sent);
}

TEST(Metrics, AreRefusedWithAReason) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  char error[128] = "";
  EXPECT_EQ(client.api().get_metrics(client.handle(), nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "metrics: NULL");
  proc_metrics small{};
  small.struct_size = 8;
  EXPECT_EQ(client.api().get_metrics(client.handle(), &small, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error).find("metrics.struct_size: 8 is less than"), std::string::npos) << error;
  proc_stats stats = client.stats();
  stats.struct_size = 4;
  EXPECT_EQ(client.api().metrics_to_text(&stats, nullptr, nullptr, 0, nullptr, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  std::uint64_t needed = 0;
  EXPECT_EQ(client.api().metrics_to_text(nullptr, nullptr, error, 10, &needed, nullptr, 0), PROC_ERR_TOO_LARGE);
  EXPECT_STREQ(error, "");
  EXPECT_GT(needed, 10U);
}

TEST(Metrics, TheTextIsGoodToPrometheus) {
  LocalProcessor processor(quick_options(), fleet_of(50));
  Client client(processor.address());
  for (int i = 0; i < 60; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(60));
  const TemporaryFolder folder;
  const std::string file = folder.file("metrics");
  FILE* out = std::fopen(file.c_str(), "w");
  const std::string text = text_of(client);
  std::fwrite(text.data(), 1, text.size(), out);
  std::fclose(out);
  const std::string command = "promtool check metrics <" + file + " >" + folder.file("says") + " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << text;
}

// Of the first line of this kind.
std::map<std::string, std::string> fields_of(const std::vector<Event>& logs, const std::string& kind) {
  const auto found = std::find_if(logs.begin(), logs.end(), [&](const Event& log) { return log.kind == kind; });
  return found == logs.end() ? std::map<std::string, std::string>() : found->fields;
}

TEST(Logs, HaveAKindAndFields) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address(), [](proc_config& config) {
    config.log_level = PROC_SEVERITY_DEBUG;
    config.client_id = text("me");
  });
  client.allocate();
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
  ASSERT_TRUE(client.poll_until([&] { return !fields_of(client.logs, "request_ended").empty(); }));
  EXPECT_EQ(fields_of(client.logs, "stream_opened").at("client_id").substr(0, 3), "me-");
  EXPECT_GT(std::stoi(fields_of(client.logs, "batch_sent").at("requests")), 0);
  EXPECT_EQ(fields_of(client.logs, "request_ended").at("outcome"), "REJECTED");
  EXPECT_EQ(fields_of(client.logs, "request_ended").at("code"), "8");
}

TEST(Logs, AFailureNamesWhatFailed) {
  Client client("127.0.0.1:1");
  ASSERT_TRUE(client.poll_until([&] { return !fields_of(client.logs, "connection_failed").empty(); }));
  EXPECT_EQ(fields_of(client.logs, "connection_failed").at("target"), "ipv4:127.0.0.1:1");
}

TEST(Logs, TheSummaryComesEverySoOften) {
  LocalProcessor processor(quick_options(), fleet_of(10));
  Client client(processor.address(), [](proc_config& config) {
    config.log_level = PROC_SEVERITY_INFO;
    config.log_summary_ms = 20;
  });
  client.allocate();
  std::uint64_t accepted = 0;
  std::size_t summaries = 0;
  ASSERT_TRUE(client.poll_until([&] {
    accepted = 0;
    summaries = 0;
    for (const Event& log : client.logs) {
      if (log.kind == "summary") {
        ++summaries;
        accepted += std::stoull(log.fields.at("accepted"));
      }
    }
    return summaries >= 3 && accepted == 1;
  }));
}

TEST(Logs, OfAKindThatComesTooOftenSomeAreLeftOut) {
  // Answers to ids that were never given out.
  RawProcessor processor({}, [](const allocation::BatchRequest& batch) {
    allocation::BatchResponse response;
    response.set_batch_id(batch.batch_id());
    for (int i = 0; i < 50; ++i) {
      response.add_responses()->set_request_id("nobody-" + std::to_string(i));
    }
    return response.SerializeAsString();
  });
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until([&] { return client.stats().unknown_answers == 50; }));
  ASSERT_TRUE(client.poll_until([&] { return client.stats().log_lines_suppressed == 30; }));
  EXPECT_EQ(std::count_if(client.logs.begin(), client.logs.end(),
                          [](const Event& log) { return log.kind == "unknown_answer"; }),
            20);
}

TEST(Logs, OfEachUnknownFieldThatIsPassedOverOneTells) {
  LocalProcessor processor(quick_options(), fleet_of(5));
  Client client(processor.address(), [](proc_config& config) { config.unknown_fields = PROC_UNKNOWN_FIELDS_IGNORE; });
  constexpr const char* kModel = R"({"namespace":"default","metadata":null,"gameServerSelectors":[{"players":{}}]})";
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(client.allocate(kModel), 0U) << client.last_refusal.error;
  }
  ASSERT_NE(client.allocate(R"({"namespace":"default","x":1,"y":[2]})"), 0U) << client.last_refusal.error;
  EXPECT_EQ(client.allocate(R"({"nmespace":"default"})"), 0U) << "refused, so its field does not count";
  EXPECT_EQ(client.last_refusal.error, "namespace: missing");
  ASSERT_TRUE(client.poll_until_results(4));
  EXPECT_EQ(client.allocated_names().size(), 4U);
  EXPECT_EQ(client.stats().unknown_fields, 5U);
  std::vector<std::string> names;
  ASSERT_TRUE(client.poll_until([&] {
    names.clear();
    for (const Event& log : client.logs) {
      if (log.kind == "unknown_field") {
        names.push_back(log.fields.at("field"));
      }
    }
    return names.size() >= 3;
  }));
  EXPECT_EQ(names, (std::vector<std::string>{"gameServerSelectors.players", "x", "y"}));
}

TEST(Traces, ComeBackInResultsAndLogLines) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address(), [](proc_config& config) { config.log_level = PROC_SEVERITY_DEBUG; });
  proc_request request = json_request();
  request.traceparent = text(kTrace);
  request.token = 1;
  ASSERT_EQ(client.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0), PROC_OK);
  request.token = 2;
  ASSERT_EQ(client.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.results[0].traceparent, kTrace);
  EXPECT_EQ(client.results[1].traceparent, kTrace);
  ASSERT_TRUE(client.poll_until([&] { return !fields_of(client.logs, "request_ended").empty(); }));
  const auto line = std::find_if(client.logs.begin(), client.logs.end(),
                                 [](const Event& log) { return log.kind == "request_ended"; });
  EXPECT_EQ(line->traceparent, kTrace);
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(3));
  EXPECT_EQ(client.results[2].traceparent, "");
}

TEST(Traces, ThatAreNoneAreRefused) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  proc_request request = json_request();
  request.traceparent = text("00-xyz");
  char error[128] = "";
  EXPECT_EQ(client.api().allocate_request(client.handle(), &request, nullptr, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "traceparent: 6 characters, must have 55");
  EXPECT_EQ(client.stats().accepted, 0U);
}

}  // namespace
}  // namespace agones::test
