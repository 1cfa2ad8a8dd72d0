// SPDX-License-Identifier: Apache-2.0
// What the host's threads want of the link's: requests, and that some of them be cancelled. Given on in portions, so that
// threads that submit without pause keep the link's thread from nothing else. Pure but for the queue's atomics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/time.h"
#include "engine/request.h"
#include "session/many_to_one_queue.h"

namespace agones::plugin {

class Intake {
 public:
  Intake() = default;
  ~Intake() {
    while (taken_ != nullptr) {
      taken_.reset(taken_->next);
    }
  }
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // Any thread.
  void submit(RequestPtr request) noexcept { submitted_.push(std::move(request)); }
  // A request that was submitted before.
  void cancel(std::uint64_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    cancels_.push_back(number);
    // seq_cst: Link::wake follows, and does nothing if the link is about to look here (WakeTag::complete).
    cancels_wait_.store(true);
  }

  // The link's thread. Whether nothing waits, no request and no cancel.
  bool empty() const { return taken_ == nullptr && submitted_.empty() && !cancels_wait_.load(); }
  // Gives at most `most` requests to the engine, oldest first, and each cancel once its request was given. How many
  // requests it gave. If it throws, nothing is lost: the next call goes on.
  template <typename Engine>
  std::size_t give(Engine& engine, TimePoint now, std::size_t most) {
    std::size_t given = 0;
    do {
      fetch();
      for (; taken_ != nullptr && given < most; ++given) {
        Request* const following = taken_->next;
        engine.submit(std::move(taken_));
        taken_.reset(following);
      }
      if (taken_ == nullptr) {
        cancel_taken(engine, now);
      }
    } while (given < most && !submitted_.empty());
    return given;
  }

 private:
  // Only when what was taken before is given: the cancels first, as the requests that they name were submitted before them.
  void fetch() {
    if (taken_ != nullptr) {
      return;
    }
    // seq_cst: after WakeTag::complete. What it promises is read under the mutex.
    if (cancels_wait_.load()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      taken_cancels_.insert(taken_cancels_.end(), cancels_.begin(), cancels_.end());
      cancels_.clear();
      // Under the mutex, as the other store: no order of its own.
      cancels_wait_.store(false);
    }
    taken_.reset(submitted_.take());
  }

  template <typename Engine>
  void cancel_taken(Engine& engine, TimePoint now) {
    while (!taken_cancels_.empty()) {
      engine.cancel(taken_cancels_.back(), now);
      taken_cancels_.pop_back();
    }
  }

  ManyToOneQueue<RequestPtr> submitted_;
  std::mutex mutex_;
  std::vector<std::uint64_t> cancels_;
  std::atomic<bool> cancels_wait_{false};
  // The link's: taken from these two and not given on.
  RequestPtr taken_;  // and what follows it
  std::vector<std::uint64_t> taken_cancels_;
};

}  // namespace agones::plugin
