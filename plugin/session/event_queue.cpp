// SPDX-License-Identifier: Apache-2.0
#include "session/event_queue.h"

#include <utility>

namespace agones::plugin {

template <typename Content>
void EventQueue::append(Content content) {
  auto event = std::make_unique<QueuedEvent>();
  event->content = std::move(content);
  if (waiting_.push(std::move(event))) {
    fd_.set();
  }
}

template <typename Content>
bool EventQueue::append_notice(Content content) {
  if (notices_.fetch_add(1) >= kMostNotices) {
    notices_.fetch_sub(1);
    return false;
  }
  append(std::move(content));
  return true;
}

void EventQueue::push(std::unique_ptr<CompletionBlock> block) {
  append(std::move(block));
}

bool EventQueue::push(LogLine line) {
  return append_notice(std::move(line));
}

bool EventQueue::push(ConnectionStatus status) {
  return append_notice(std::move(status));
}

QueuedEvent* EventQueue::take() {
  QueuedEvent* events = waiting_.take_all();
  if (events == nullptr) {
    fd_.clear();
    // What came between the two may have set the fd before it was cleared.
    events = waiting_.take_all();
  }
  std::size_t notices = 0;
  for (const QueuedEvent* event = events; event != nullptr; event = event->next) {
    notices += std::holds_alternative<std::unique_ptr<CompletionBlock>>(event->content) ? 0 : 1;
  }
  notices_.fetch_sub(notices);
  return events;
}

}  // namespace agones::plugin
