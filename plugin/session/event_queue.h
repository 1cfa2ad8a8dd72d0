// SPDX-License-Identifier: Apache-2.0
// Everything that waits to be polled, in order, and the fd that is readable while there is any. Nothing here fails:
// what there is no memory or no room for is counted by the caller.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "engine/completion.h"
#include "engine/queued_event.h"
#include "log/log_entry.h"
#include "platform/notify_fd.h"
#include "platform/wakeup_fd.h"
#include "session/many_to_one_queue.h"
#include "stream/connection_status.h"

namespace agones::plugin {

struct LogLine : QueuedEvent {
  explicit LogLine(LogEntry its_entry) : QueuedEvent(Kind::kLog), entry(std::move(its_entry)) {}
  const LogEntry entry;
  std::int64_t time_unix_ns = 0;
};

struct StateChange : QueuedEvent {
  StateChange() : QueuedEvent(Kind::kState) {}
  ConnectionStatus status;
  std::uint64_t number = 0;  // of all states, counted from 1
};

class EventQueue {
 public:
  explicit EventQueue(int notify_fd = -1) : notify_fd_(notify_fd) {}

  void push(std::unique_ptr<CompletionBlock> block) noexcept;
  // False if so many wait that it was dropped.
  bool push(std::unique_ptr<LogLine> line) noexcept;
  // False if so many wait that it takes the place of those that follow: the newest always arrives. One thread at a
  // time.
  bool push(std::unique_ptr<StateChange> change) noexcept;

  // All that waits, oldest first, linked by `next`; the caller owns it. If there is nothing, the fd stops being
  // readable.
  QueuedEvent* take();
  // A block that was taken is gone.
  void polled(const CompletionBlock& block) { unpolled_bytes_.fetch_sub(block.bytes(), std::memory_order_relaxed); }
  std::uint64_t unpolled_bytes() const { return unpolled_bytes_.load(std::memory_order_relaxed); }

  const WakeupFd& fd() const { return fd_; }
  // Ends the wait of who waits for the fd.
  void wake() const { fd_.set(); }

 private:
  // For hosts that do not poll. Results are bounded by the engine.
  static constexpr std::size_t kMostLogLines = 1024;
  static constexpr std::size_t kMostStates = 64;

  void append(std::unique_ptr<QueuedEvent> event) noexcept;
  QueuedEvent* collect();

  void tell() const noexcept;

  WakeupFd fd_;
  NotifyFd notify_fd_;
  ManyToOneQueue<std::unique_ptr<QueuedEvent>> waiting_;
  std::atomic<std::size_t> log_lines_{0};
  std::atomic<std::size_t> states_{0};
  std::atomic<std::uint64_t> unpolled_bytes_{0};
  std::mutex newest_mutex_;
  std::unique_ptr<StateChange> newest_;  // of the states that found no room
};

}  // namespace agones::plugin
