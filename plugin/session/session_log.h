// SPDX-License-Identifier: Apache-2.0
// A client's log lines on their way to the event queue: those that are wanted, not too many of a kind, fit to be printed. What
// there is no memory or no room for is counted. Any thread.
#pragma once

#include <mutex>
#include <new>
#include <string>
#include <string_view>

#include "agones/processor.h"
#include "engine/completion.h"
#include "engine/counters.h"
#include "log/log_entry.h"
#include "log/log_limit.h"
#include "session/event_queue.h"
#include "stream/grpc_runtime.h"

namespace agones::plugin {

class SessionLog {
 public:
  SessionLog(proc_severity level, EventQueue& events, Counters& counters)
      : level_(level), events_(events), counters_(counters) {}

  bool wants(proc_severity severity) const { return severity >= level_; }
  void add(LogEntry entry) noexcept;
  // The entry that `make` returns; it may find no memory for it.
  template <typename Make>
  void add_made(const Make& make) noexcept {
    try {
      add(make());
    } catch (const std::bad_alloc&) {
      counters_.log_lines_dropped.add();
    }
  }
  // A line for each request that ended otherwise than allocated.
  void add_endings(const CompletionBlock& block) noexcept;

 private:
  const proc_severity level_;
  EventQueue& events_;
  Counters& counters_;
  std::mutex limit_mutex_;
  LogLimit limit_;
};

// gRPC's errors among them. It says the same for every attempt, so what is repeated is for those who want everything.
class GrpcLog : private GrpcLogSink {
 public:
  explicit GrpcLog(SessionLog& log) : log_(log), registration_(*this) {}

 private:
  void grpc_log(std::string_view message) noexcept override;
  bool is_repeated(std::string_view message) noexcept;

  SessionLog& log_;
  std::mutex mutex_;
  std::string last_;
  const GrpcLogRegistration registration_;
};

}  // namespace agones::plugin
