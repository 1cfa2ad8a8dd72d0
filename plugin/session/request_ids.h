// SPDX-License-Identifier: Apache-2.0
// Which id the host knows a request by. Inside the plugin requests are numbered in sequence, from 1; the host's ids begin
// where the config says, and a request that was taken over keeps the id that another client gave it. Only those need
// memory. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace agones::plugin {

class RequestIds {
 public:
  // `may_come_again`: results may be followed by orphans, so that nothing is forgotten when it has ended.
  explicit RequestIds(std::uint64_t first = 1, bool may_come_again = false)
      : before_first_(first - 1), may_come_again_(may_come_again) {}

  // The next number in the sequence. relaxed: it is passed on with the request.
  std::uint64_t next() { return last_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // The next number, for a request that keeps its id; none if that may be one of this client's own, or was taken over
  // before. Throws std::bad_alloc.
  std::optional<std::uint64_t> take_over(std::uint64_t id, std::uint64_t waited_us);

  // Of a number that next() gave.
  std::uint64_t own_id(std::uint64_t number) const { return before_first_ + number; }

  struct Known {
    std::uint64_t id = 0;
    std::uint64_t waited_us = 0;  // with other clients
  };
  // What the host knows about a number; 0 stays 0.
  Known known(std::uint64_t number) const;
  // The number of an id; none if it was never given out.
  std::optional<std::uint64_t> number_of(std::uint64_t id) const;
  // A result was handed out, of which nothing can come any more.
  void ended(std::uint64_t number);

  std::uint64_t accepted() const;
  std::uint64_t taken_over() const { return taken_over_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t before_first_;
  const bool may_come_again_;
  std::atomic<std::uint64_t> last_{0};
  std::atomic<std::uint64_t> taken_over_{0};
  std::atomic<std::uint64_t> not_accepted_{0};  // numbers of requests that were taken over, or lost for want of memory
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Known> by_number_;
  std::unordered_map<std::uint64_t, std::uint64_t> by_id_;
};

}  // namespace agones::plugin
