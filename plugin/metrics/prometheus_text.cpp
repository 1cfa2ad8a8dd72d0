// SPDX-License-Identifier: Apache-2.0
#include "metrics/prometheus_text.h"

#include <agones/histogram.hpp>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "metrics/stats_table.h"

namespace agones::plugin {

namespace {

constexpr const char* kPrefix = "agones_processor_client_";

// In the unit of the histogram. Each is one of its bounds, so that the counts are exact.
constexpr std::uint64_t kTimesUs[] = {100,       250,       500,       1'000,      2'500,      5'000,
                                      10'000,    25'000,    50'000,    100'000,    250'000,    500'000,
                                      1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
constexpr std::uint64_t kSizes[] = {1,     2,     5,     10,     20,     50,     100,     200,      500,
                                    1'000, 2'000, 5'000, 10'000, 20'000, 50'000, 100'000, 1'000'000};

constexpr const char* kCodes[PROC_GRPC_CODES] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};
constexpr const char* kStates[PROC_CONNECTION_STATES] = {"",        "connecting",  "standby",
                                                         "serving", "backing_off", "closed"};

class Text {
 public:
  void head(std::string_view name, const char* type, const char* help) {
    text_.append("# HELP ").append(kPrefix).append(name).append(" ").append(help);
    text_.append("\n# TYPE ").append(kPrefix).append(name).append(" ").append(type).append("\n");
  }
  void gauge(std::string_view name, const char* help, std::uint64_t value) {
    head(name, "gauge", help);
    sample(name, {}, {}, value);
  }
  void sample(std::string_view name, std::string_view label, std::string_view label_value, std::uint64_t value) {
    begin(name);
    if (!label.empty()) {
      text_.append("{").append(label).append("=\"").append(label_value).append("\"}");
    }
    text_.append(" ").append(std::to_string(value)).append("\n");
  }
  // `unit`: so many of the histogram's make one of the text's.
  template <std::size_t N>
  void histogram(const std::string& name, const char* help, const proc_histogram& histogram,
                 const std::uint64_t (&bounds)[N], double unit) {
    head(name, "histogram", help);
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    for (const std::uint64_t bound : bounds) {
      for (; bucket < PROC_HISTOGRAM_BUCKETS && upper_bound(bucket) <= bound; ++bucket) {
        seen += histogram.buckets[bucket];
      }
      sample(name + "_bucket", "le", number(static_cast<double>(bound) / unit), seen);
    }
    sample(name + "_bucket", "le", "+Inf", histogram.count);
    begin(name + "_sum");
    text_.append(" ").append(number(static_cast<double>(histogram.sum) / unit)).append("\n");
    sample(name + "_count", {}, {}, histogram.count);
  }

  std::string take() { return std::move(text_); }

 private:
  // As printf's %.15g in the C locale.
  static std::string number(double value) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::general, 15).ptr;
    return {text, end};
  }
  void begin(std::string_view name) { text_.append(kPrefix).append(name); }

  std::string text_;
};

struct StatsRow {
  std::uint64_t proc_stats::*number;
  const char* type;
  std::string_view name;
  std::string_view outcome;  // rows that share a name follow one another
  const char* help;          // of the first of these
};

#define AGONES_ROW(field, counted_by, type, name, outcome, help) {&proc_stats::field, #type, name, outcome, help},
constexpr StatsRow kStats[] = {AGONES_STATS(AGONES_ROW)};
#undef AGONES_ROW

void write_stats(const proc_stats& stats, Text& text) {
  std::string_view last;
  for (const StatsRow& row : kStats) {
    if (row.name != last) {
      text.head(row.name, row.type, row.help);
    }
    text.sample(row.name, row.outcome.empty() ? "" : "outcome", row.outcome, stats.*row.number);
    last = row.name;
  }
}

void write_metrics(const proc_metrics& metrics, Text& text) {
  text.head("connections", "gauge", "Clients by the state of their connection.");
  for (std::size_t state = 1; state < PROC_CONNECTION_STATES; ++state) {
    text.sample("connections", "state", kStates[state], metrics.connections[state]);
  }
  text.gauge("max_pending_requests", "Requests that may be pending at most.", metrics.max_pending);
  text.head("rejections_total", "counter", "Requests that the processor rejected, by gRPC status code.");
  for (std::size_t code = 0; code < PROC_GRPC_CODES; ++code) {
    text.sample("rejections_total", "code", kCodes[code], metrics.rejected[code]);
  }
  constexpr double kSecond = 1e6;
  text.histogram("request_duration_seconds", "From proc_allocate to the end of the request.", metrics.answer_time_us,
                 kTimesUs, kSecond);
  text.histogram("request_queue_seconds", "How long requests that were sent had lain in the hot batch.",
                 metrics.queue_time_us, kTimesUs, kSecond);
  text.histogram("batch_duration_seconds", "From the sending of a batch to its answer.", metrics.batch_time_us,
                 kTimesUs, kSecond);
  text.histogram("batch_requests", "Requests in a batch.", metrics.batch_size, kSizes, 1);
  text.histogram("pull_requests", "Requests in the hot batch when a pull came.", metrics.queue_depth, kSizes, 1);
}

}  // namespace

std::string prometheus_text(const proc_stats* stats, const proc_metrics* metrics, const char* version) {
  Text text;
  text.head("info", "gauge", "The library that wrote this.");
  text.sample("info", "version", version, 1);
  if (stats != nullptr) {
    write_stats(*stats, text);
  }
  if (metrics != nullptr) {
    write_metrics(*metrics, text);
  }
  return text.take();
}

}  // namespace agones::plugin
