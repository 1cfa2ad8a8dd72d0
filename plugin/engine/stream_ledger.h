// SPDX-License-Identifier: Apache-2.0
// What was sent on one stream: its batches until each is answered, and in them the requests that ended without an
// answer, to which a late one may still come. Only sent() needs memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"

namespace agones::plugin {

class StreamLedger {
 public:
  // Batches that were answered without some of their requests are remembered for so many batches more: no processor
  // is known that answers those later, and one that does is not given memory without end.
  static constexpr std::size_t kMostIncomplete = 64;

  // Batches come with ascending ids. `requests` may be in any order.
  void sent(std::uint64_t batch, std::vector<std::uint64_t> requests, TimePoint now);

  // Batches that were sent and not answered.
  std::size_t unanswered() const { return batches_.size() - incomplete_; }
  // Requests that gave up and may still be answered.
  std::size_t late() const { return late_; }

  // A request of the batch ended without an answer. False if it is no such batch.
  bool gave_up(std::uint64_t batch, std::uint64_t request);
  // An answer to a request that gave up: its batch; none if no such answer is awaited.
  std::optional<std::uint64_t> answer_late(std::uint64_t request);

  // The requests of a batch that is not answered; null if it is none of these.
  const std::vector<std::uint64_t>* unanswered_requests(std::uint64_t batch) const;
  // Calls `each` with the batch and the id of each request of these batches, what was sent last first.
  template <typename Each>
  void each_unanswered(const Each& each) const {
    for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
      for (auto request = batch->requests.rbegin(); !batch->answered && request != batch->requests.rend(); ++request) {
        each(batch->id, *request);
      }
    }
  }
  // When one of these was sent.
  TimePoint sent_at(std::uint64_t batch) const;
  // The batch's answer came, and all of its requests have ended. Returns how many late answers are awaited no longer,
  // because too many batches were answered in part.
  std::size_t answered(std::uint64_t batch);

 private:
  struct Batch {
    std::uint64_t id = 0;
    TimePoint sent_at;
    std::vector<std::uint64_t> requests;  // ascending
    std::vector<std::uint8_t> late;       // of each: gave up
    std::size_t late_count = 0;
    bool answered = false;
  };

  // The place of a batch, or of a request in its batch.
  std::optional<std::size_t> find(std::uint64_t batch) const;
  static std::optional<std::size_t> find(const Batch& batch, std::uint64_t request);
  std::size_t forget(std::size_t index);

  std::deque<Batch> batches_;  // by id
  std::size_t incomplete_ = 0;
  std::size_t late_ = 0;
};

}  // namespace agones::plugin
