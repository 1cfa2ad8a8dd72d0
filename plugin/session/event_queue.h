// SPDX-License-Identifier: Apache-2.0
// Everything that waits to be polled, in order, and the fd that is readable while there is any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "engine/completion.h"
#include "platform/wakeup_fd.h"
#include "session/handover_queue.h"
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

struct QueuedEvent {
  std::variant<std::unique_ptr<CompletionBlock>, ConnectionStatus, LogLine> content;
  QueuedEvent* next = nullptr;
};

class EventQueue {
 public:
  void push(std::unique_ptr<CompletionBlock> block);
  // False if too many of its kind wait already: then it was dropped.
  bool push(LogLine line);
  bool push(ConnectionStatus status);

  // All that waits, oldest first, linked by `next`; the caller owns it. If there is nothing, the fd stops being
  // readable.
  QueuedEvent* take();

  const WakeupFd& fd() const { return fd_; }

 private:
  template <typename Content>
  void append(Content content);
  template <typename Content>
  bool append_notice(Content content);

  // Log lines and states are bounded, for hosts that do not poll; results are bounded by the
  // pending limit.
  static constexpr std::size_t kMostNotices = 1024;

  WakeupFd fd_;
  HandoverQueue<std::unique_ptr<QueuedEvent>> waiting_;
  std::atomic<std::size_t> notices_{0};
};

}  // namespace agones::plugin
