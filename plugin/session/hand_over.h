// SPDX-License-Identifier: Apache-2.0
// What proc_hand_over gives away, on its way from the link's thread to the poller.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/completion.h"
#include "session/many_to_one_queue.h"

namespace agones::plugin {

class HandOver {
 public:
  HandOver() = default;
  ~HandOver();
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // The link's thread.
  void push(std::unique_ptr<CompletionBlock> block) noexcept { waiting_.push(std::move(block)); }

  // The poller. The next request to give away; null if there is none now.
  const Completion* front();
  // It was taken.
  void pop();
  // A block of what nobody took, to be handed out as results instead; null when there is no more.
  std::unique_ptr<CompletionBlock> take_back();

 private:
  CompletionBlock* block() { return static_cast<CompletionBlock*>(next_); }
  void drop_block();

  ManyToOneQueue<std::unique_ptr<QueuedEvent>> waiting_;
  QueuedEvent* next_ = nullptr;  // and what follows it: owned
  std::size_t taken_ = 0;        // of the first block
};

}  // namespace agones::plugin
