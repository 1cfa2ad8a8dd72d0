// SPDX-License-Identifier: Apache-2.0
// A doubly linked list through the requests themselves. It does not own them.
#pragma once

#include <cstddef>

#include "engine/request.h"

namespace agones::plugin {

class RequestList {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  Request* front() const { return head_; }
  Request* back() const { return tail_; }

  void push_back(Request& request) {
    request.prev = tail_;
    request.next = nullptr;
    (tail_ != nullptr ? tail_->next : head_) = &request;
    tail_ = &request;
    ++size_;
  }

  void push_front(Request& request) {
    request.prev = nullptr;
    request.next = head_;
    (head_ != nullptr ? head_->prev : tail_) = &request;
    head_ = &request;
    ++size_;
  }

  void erase(Request& request) {
    (request.prev != nullptr ? request.prev->next : head_) = request.next;
    (request.next != nullptr ? request.next->prev : tail_) = request.prev;
    request.prev = request.next = nullptr;
    --size_;
  }

 private:
  Request* head_ = nullptr;
  Request* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace agones::plugin
