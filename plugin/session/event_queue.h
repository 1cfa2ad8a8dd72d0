// SPDX-License-Identifier: Apache-2.0
// Everything that waits to be polled, in order, and the fd that is readable while there is any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "engine/completion.h"
#include "platform/wakeup_fd.h"
#include "stream/link_handler.h"

namespace agones::plugin {

struct LogLine {
  proc_severity severity = 0;
  std::int64_t time_unix_ns = 0;
  const char* channel = "";
  std::string message;
  std::uint64_t request_id = 0;
  std::uint64_t batch_id = 0;
};

using QueuedEvent = std::variant<std::unique_ptr<CompletionBlock>, ConnectionStatus, LogLine>;

class EventQueue {
 public:
  void push(std::unique_ptr<CompletionBlock> block);
  // False if too many of its kind wait already: then it was dropped.
  bool push(LogLine line);
  bool push(ConnectionStatus status);

  // Moves all that waits to the (empty) vector. If there is nothing, the fd stops being readable.
  void take(std::vector<QueuedEvent>& events);

  const WakeupFd& fd() const { return fd_; }

 private:
  void append(QueuedEvent event);

  // Log lines and states are bounded, for hosts that do not poll; results are bounded by the
  // pending limit.
  static constexpr std::size_t kMostNotices = 1024;

  WakeupFd fd_;
  std::mutex mutex_;
  std::vector<QueuedEvent> waiting_;
  std::size_t notices_ = 0;
};

}  // namespace agones::plugin
