// SPDX-License-Identifier: Apache-2.0
// When a batch may go. The processor takes one at any time; what its pulls are for is that a leader that sheds load, or is
// gone, is sent nothing, and that all clients get their turn. So: nothing before the first pull, and between two pulls at most
// so many batches, spread evenly, whichever streams they go on. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "engine/pull_clock.h"

namespace agones::plugin {

class Pacer {
 public:
  explicit Pacer(std::uint32_t batches_per_pull) : batches_per_pull_(batches_per_pull) {}

  // Another processor begins as the first one did.
  void reset();
  // `waiting`: the requests in the hot batch. All of them may be sent for this pull, in as many batches as it takes.
  // `interval`: from pull to pull of its stream; a processor pulls all streams of a client at about the same time, and that
  // counts as one.
  void pulled(TimePoint now, std::size_t waiting, Duration interval);

  // Requests have left the hot batch otherwise, and `waiting` are left: the pull covers no more than those.
  void left(std::size_t waiting);
  // How many of the requests that wait may be sent now.
  std::size_t allowed(TimePoint now, std::size_t waiting) const;
  // `pause`: the next batch goes no sooner than that, unless it is for a pull; at least gap().
  void sent(TimePoint now, std::size_t requests, Duration pause = Duration(0));
  // The next batch is for the last pull, and needs no gap.
  bool covers() const { return covered_ != 0; }

  // From when on a batch may go without a further pull; none if a pull must come first.
  std::optional<TimePoint> next() const;
  // From one batch to the next, but for those for a pull.
  Duration gap() const;

 private:
  const std::uint32_t batches_per_pull_;
  std::optional<TimePoint> last_pull_;  // the first one of its tick
  Duration interval_ = PullClock::kUsualInterval;
  std::size_t covered_ = 0;          // of the hot batch's first requests: by the last pull, and not sent
  std::uint32_t between_pulls_ = 0;  // batches that were sent since the last pull, beside those for it
  std::optional<TimePoint> last_sent_;
  Duration pause_{};
};

}  // namespace agones::plugin
