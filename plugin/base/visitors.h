// SPDX-License-Identifier: Apache-2.0
// Counts who is inside something that another thread wants to take away. Whoever comes in does so without a lock, and without
// a cache line that all share.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace agones::plugin {

class Visitors {
 private:
  static constexpr std::size_t kStripes = 16;

 public:
  using Count = std::atomic<std::int64_t>;

  // To be followed by a look whether the thing is still there: whoever took it away before that look is seen by it, and who
  // takes it away after it sees this visitor. What is returned is for leave().
  Count& enter() noexcept {
    Count& count = stripes_[own_stripe()].count;
    // seq_cst: counted, then looked whether the thing is there; the other side takes it away, then looks at the count. One of the
    // two sees what the other did.
    count.fetch_add(1, std::memory_order_seq_cst);
    return count;
  }
  // release: what was done in there comes before what is done once all have left.
  static void leave(Count& count) noexcept { count.fetch_sub(1, std::memory_order_release); }

  // Made after the thing was taken away: done when all have left who came before. Who comes later finds nothing, so that
  // it is enough that each stripe was seen empty once.
  class Departure {
   public:
    explicit Departure(const Visitors& visitors) : visitors_(&visitors) {}

    bool done() {
      bool all = true;
      for (std::size_t i = 0; i < kStripes; ++i) {
        // seq_cst: see enter(). acquire: see leave().
        seen_empty_[i] = seen_empty_[i] || visitors_->stripes_[i].count.load(std::memory_order_seq_cst) == 0;
        all = all && seen_empty_[i];
      }
      return all;
    }

   private:
    const Visitors* visitors_;
    std::array<bool, kStripes> seen_empty_{};
  };

 private:
  struct alignas(64) Stripe {
    Count count{0};
  };

  // Descriptors of threads lie on their stacks, which are far apart.
  static std::size_t own_stripe() noexcept {
    const auto self = static_cast<std::uint64_t>(pthread_self());
    return ((self >> 12U) * 0x9e3779b97f4a7c15ULL >> 32U) % kStripes;
  }

  std::array<Stripe, kStripes> stripes_{};
};

}  // namespace agones::plugin
