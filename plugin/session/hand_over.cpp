// SPDX-License-Identifier: Apache-2.0
#include "session/hand_over.h"

#include <utility>

namespace agones::plugin {

HandOver::~HandOver() {
  while (next_ != nullptr) {
    drop_block();
  }
}

const Completion* HandOver::front() {
  if (next_ == nullptr) {
    next_ = waiting_.take();
  }
  return next_ == nullptr ? nullptr : &block()->items[taken_];
}

void HandOver::pop() {
  block()->items[taken_].request.reset();
  if (++taken_ == block()->items.size()) {
    drop_block();
  }
}

std::unique_ptr<CompletionBlock> HandOver::take_back() {
  if (front() == nullptr) {
    return nullptr;
  }
  std::unique_ptr<CompletionBlock> rest(block());
  next_ = rest->next;
  rest->items.erase(rest->items.begin(), rest->items.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  return rest;
}

void HandOver::drop_block() {
  const std::unique_ptr<QueuedEvent> done(next_);
  next_ = done->next;
  taken_ = 0;
}

}  // namespace agones::plugin
