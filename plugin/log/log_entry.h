// SPDX-License-Identifier: Apache-2.0
// One log line before it is one: which line it is, its values, and a sentence for who reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agones/processor.h"

namespace agones::plugin {

// Names are stable: hosts filter by them.
enum class LogKind : std::uint8_t {
  kStreamOpened,
  kConnectionFailed,  // a replica, a name, a stream
  kBatchSent,
  kRequestEnded,  // otherwise than allocated
  kHeldBack,
  kAnswerIncomplete,
  kSecondAnswer,
  kUnknownAnswer,
  kCallbackThrew,
  kGrpc,
  kSummary,
  kUnknownField,
};
inline constexpr std::size_t kLogKinds = 12;

const char* name_of(LogKind kind);
// The part of the plugin that speaks.
const char* channel_of(LogKind kind);

struct LogField {
  const char* key;  // a literal
  std::string value;
};

struct LogEntry {
  LogEntry(LogKind its_kind, proc_severity its_severity, std::string its_message)
      : kind(its_kind), severity(its_severity), message(std::move(its_message)) {}

  LogKind kind;
  proc_severity severity;
  std::string message;
  std::vector<LogField> fields;
  std::uint64_t request_id = 0;  // the plugin's own number
  std::uint64_t batch_id = 0;
  std::string traceparent;
};

}  // namespace agones::plugin
