// SPDX-License-Identifier: Apache-2.0
#include "session/event_queue.h"

#include <utility>

namespace agones::plugin {

void EventQueue::append(QueuedEvent event) {
  waiting_.push_back(std::move(event));
  if (waiting_.size() == 1) {
    fd_.set();
  }
}

void EventQueue::push(std::unique_ptr<CompletionBlock> block) {
  const std::lock_guard<std::mutex> lock(mutex_);
  append(std::move(block));
}

bool EventQueue::push(LogLine line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notices_ >= kMostNotices) {
    return false;
  }
  ++notices_;
  append(std::move(line));
  return true;
}

bool EventQueue::push(ConnectionStatus status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (notices_ >= kMostNotices) {
    return false;
  }
  ++notices_;
  append(std::move(status));
  return true;
}

void EventQueue::take(std::vector<QueuedEvent>& events) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (waiting_.empty()) {
    fd_.clear();
  }
  events.swap(waiting_);
  notices_ = 0;
}

}  // namespace agones::plugin
