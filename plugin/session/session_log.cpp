// SPDX-License-Identifier: Apache-2.0
#include "session/session_log.h"

#include <chrono>
#include <memory>
#include <utility>

#include "contract/names.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

constexpr std::size_t kLongestLine = 8192;

}  // namespace

void SessionLog::add(LogEntry entry) noexcept {
  if (!wants(entry.severity)) {
    return;
  }
  bool pushed = false;
  try {
    // Who asks for more than INFO wants them all.
    if (entry.severity >= PROC_SEVERITY_INFO) {
      const std::lock_guard<std::mutex> lock(limit_mutex_);
      const LogLimit::Verdict verdict = limit_.ask(entry.kind, std::chrono::steady_clock::now());
      if (!verdict.allowed) {
        counters_.log_lines_suppressed.add();
        return;
      }
      if (verdict.suppressed != 0) {
        entry.fields.push_back({"suppressed", std::to_string(verdict.suppressed)});
      }
    }
    entry.message = to_line(cut_utf8(entry.message, kLongestLine));
    for (LogField& field : entry.fields) {
      field.value = to_line(cut_utf8(field.value, kLongestLine));
    }
    auto line = std::make_unique<LogLine>(std::move(entry));
    line->time_unix_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    pushed = events_.push(std::move(line));
  } catch (const std::bad_alloc&) {
    pushed = false;
  }
  if (!pushed) {
    counters_.log_lines_dropped.add();
  }
}

void SessionLog::add_endings(const CompletionBlock& block) noexcept {
  try {
    for (const Completion& ended : block.items) {
      if (ended.request == nullptr || ended.outcome == PROC_OUTCOME_ALLOCATED) {
        continue;
      }
      LogEntry entry(LogKind::kRequestEnded, PROC_SEVERITY_DEBUG,
                     std::string("request ended: ") + outcome_name(ended.outcome));
      entry.request_id = ended.request_id;
      entry.batch_id = ended.batch_id;
      entry.traceparent = ended.request->traceparent();
      entry.fields.push_back({"outcome", outcome_name(ended.outcome)});
      entry.fields.push_back({"delivery", delivery_name(ended.delivery)});
      entry.fields.push_back({"code", std::to_string(ended.code)});
      add(std::move(entry));
    }
  } catch (const std::bad_alloc&) {
    counters_.log_lines_dropped.add();
  }
}

void GrpcLog::grpc_log(std::string_view message) noexcept {
  const proc_severity severity = is_repeated(message) ? PROC_SEVERITY_DEBUG : PROC_SEVERITY_WARNING;
  log_.add_made([&] { return LogEntry(LogKind::kGrpc, severity, std::string(message)); });
}

bool GrpcLog::is_repeated(std::string_view message) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool repeated = last_ == message;
    last_ = message;
    return repeated;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace agones::plugin
