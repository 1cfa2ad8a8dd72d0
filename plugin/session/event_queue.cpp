// SPDX-License-Identifier: Apache-2.0
#include "session/event_queue.h"

#include <utility>

namespace agones::plugin {

namespace {

// Whether there was room for one more. A count alone, of what the queue publishes: no order is needed. It never falls below 0, as who
// takes an event comes after who counted and pushed it.
bool count_in(std::atomic<std::size_t>& count, std::size_t most) {
  if (count.fetch_add(1) < most) {
    return true;
  }
  count.fetch_sub(1);
  return false;
}

}  // namespace

void EventQueue::append(std::unique_ptr<QueuedEvent> event) noexcept {
  if (waiting_.push(std::move(event))) {
    tell();
  }
}

void EventQueue::tell() const noexcept {
  fd_.set();
  notify_fd_.set();
}

void EventQueue::push(std::unique_ptr<CompletionBlock> block) noexcept {
  // relaxed, as it is taken off: a count, for a limit.
  unpolled_bytes_.fetch_add(block->bytes(), std::memory_order_relaxed);
  append(std::move(block));
}

bool EventQueue::push(std::unique_ptr<LogLine> line) noexcept {
  if (!count_in(log_lines_, kMostLogLines)) {
    return false;
  }
  append(std::move(line));
  return true;
}

bool EventQueue::push(std::unique_ptr<StateChange> change) noexcept {
  if (count_in(states_, kMostStates)) {
    append(std::move(change));
    return true;
  }
  {
    const std::lock_guard<std::mutex> lock(newest_mutex_);
    newest_ = std::move(change);
  }
  tell();
  return false;
}

QueuedEvent* EventQueue::take() {
  QueuedEvent* events = collect();
  if (events == nullptr) {
    fd_.clear();
    // What came between the two may have set the fd before it was cleared. What is not found here sets it afterwards: had it been
    // set before, then the system, which does one after the other, would have passed on what was pushed before.
    events = collect();
  }
  return events;
}

QueuedEvent* EventQueue::collect() {
  QueuedEvent* events = waiting_.take();
  std::size_t log_lines = 0;
  std::size_t states = 0;
  QueuedEvent** end = &events;
  for (; *end != nullptr; end = &(*end)->next) {
    log_lines += (*end)->kind == QueuedEvent::Kind::kLog ? 1 : 0;
    states += (*end)->kind == QueuedEvent::Kind::kState ? 1 : 0;
  }
  log_lines_.fetch_sub(log_lines);
  states_.fetch_sub(states);
  // It found no room beside these. Should a later one have found some meanwhile, the reader sees that by the number.
  const std::lock_guard<std::mutex> lock(newest_mutex_);
  *end = newest_.release();
  return events;
}

}  // namespace agones::plugin
