// SPDX-License-Identifier: Apache-2.0
#include "log/summary.h"

#include <agones/histogram.hpp>
#include <cstdint>
#include <string>

#include "contract/names.h"

namespace agones::plugin {

namespace {

std::string milliseconds_of(std::uint64_t microseconds) {
  return std::to_string(microseconds / 1000) + "." + std::to_string(microseconds % 1000 / 100);
}

}  // namespace

Summary::Summary()
    : answer_time_(std::make_unique<proc_histogram>()),
      last_answer_time_(std::make_unique<proc_histogram>()),
      new_answer_time_(std::make_unique<proc_histogram>()) {}

LogEntry Summary::next(proc_connection_state connection) {
  take_since_last(*answer_time_, *last_answer_time_, *new_answer_time_);
  const std::string p50 = milliseconds_of(quantile(*new_answer_time_, 0.5));
  const std::string p99 = milliseconds_of(quantile(*new_answer_time_, 0.99));
  const std::uint64_t allocated = stats_.allocated - last_stats_.allocated;
  const std::uint64_t accepted = stats_.accepted - last_stats_.accepted;

  LogEntry entry(LogKind::kSummary, PROC_SEVERITY_INFO,
                 std::to_string(accepted) + " requests accepted, " + std::to_string(allocated) + " allocated, p50 " +
                     p50 + " ms, p99 " + p99 + " ms, " + std::to_string(stats_.pending) + " pending, " +
                     connection_name(connection));
  const auto add = [&](const char* key, std::uint64_t value) { entry.fields.push_back({key, std::to_string(value)}); };
  entry.fields.push_back({"connection", connection_name(connection)});
  add("accepted", accepted);
  add("allocated", allocated);
  add("rejected", stats_.rejected - last_stats_.rejected);
  add("timed_out", stats_.timed_out - last_stats_.timed_out);
  add("disconnected", stats_.disconnected - last_stats_.disconnected);
  add("unknown", stats_.unknown - last_stats_.unknown);
  add("orphans", stats_.orphans - last_stats_.orphans);
  add("pending", stats_.pending);
  add("unsent", stats_.unsent);
  add("in_flight", stats_.in_flight);
  add("pulls", stats_.pulls - last_stats_.pulls);
  add("batches", stats_.batches_sent - last_stats_.batches_sent);
  entry.fields.push_back({"answer_p50_ms", p50});
  entry.fields.push_back({"answer_p99_ms", p99});
  last_stats_ = stats_;
  return entry;
}

}  // namespace agones::plugin
