// SPDX-License-Identifier: Apache-2.0
// Accepted requests on their way from the host's threads to the session's: lock-free, so that a host
// thread that loses its processor in the middle of a submit delays nobody.
#pragma once

#include <atomic>

#include "engine/request.h"

namespace agones::plugin {

class SubmitQueue {
 public:
  SubmitQueue() = default;
  ~SubmitQueue() {
    Request* request = take_all();
    while (request != nullptr) {
      Request* following = request->next;
      RequestDeleter()(request);
      request = following;
    }
  }
  SubmitQueue(const SubmitQueue&) = delete;
  SubmitQueue& operator=(const SubmitQueue&) = delete;

  void push(RequestPtr request) {
    Request* added = request.release();
    added->next = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(added->next, added, std::memory_order_seq_cst, std::memory_order_relaxed)) {
    }
  }

  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

  // All that was pushed, oldest first, linked by `next`. The caller owns it.
  Request* take_all() {
    Request* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Request* oldest = nullptr;
    while (newest != nullptr) {
      Request* older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

 private:
  // A stack; taken as a whole, so that the ABA problem can't arise.
  std::atomic<Request*> head_{nullptr};
};

}  // namespace agones::plugin
