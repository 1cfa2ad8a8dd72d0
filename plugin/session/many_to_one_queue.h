// SPDX-License-Identifier: Apache-2.0
// From many threads to one: accepted requests on their way to the link's thread, events on their way to the poller.
// Lock-free, so that a thread that loses its processor in the middle of a hand-over delays nobody.
#pragma once

#include <atomic>

namespace agones::plugin {

// `Pointer`: a unique_ptr to something with a member `next`.
template <typename Pointer>
class ManyToOneQueue {
 public:
  using Item = typename Pointer::element_type;

  ManyToOneQueue() = default;
  ~ManyToOneQueue() {
    Item* item = take();
    while (item != nullptr) {
      const Pointer owned(item);
      item = owned->next;
    }
  }
  ManyToOneQueue(const ManyToOneQueue&) = delete;
  ManyToOneQueue& operator=(const ManyToOneQueue&) = delete;

  // Whether it was empty before.
  bool push(Pointer item) {
    Item* added = item.release();
    // What is pushed may be taken and gone at once. relaxed: what is read is compared and stored, never looked into.
    Item* before = head_.load(std::memory_order_relaxed);
    do {
      added->next = before;
      // release: take() finds what is in the item. seq_cst: who pushes and then looks whether the other sleeps, and who says
      // that it sleeps and then looks whether anything was pushed, don't both miss it (Session::submit, NextTurn). A failure is
      // only compared anew: relaxed.
    } while (!head_.compare_exchange_weak(before, added, std::memory_order_seq_cst, std::memory_order_relaxed));
    return before == nullptr;
  }

  // seq_cst: see push().
  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

  // All that was pushed, oldest first, linked by `next`. The caller owns it.
  Item* take() {
    // acquire: of every item what was put into it; those below the newest are in its release sequence.
    Item* newest = head_.exchange(nullptr, std::memory_order_acq_rel);
    Item* oldest = nullptr;
    while (newest != nullptr) {
      Item* older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

 private:
  // A stack; taken as a whole, so that the ABA problem can't arise.
  std::atomic<Item*> head_{nullptr};
};

}  // namespace agones::plugin
