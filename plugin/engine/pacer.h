// SPDX-License-Identifier: Apache-2.0
// When a batch may go. The processor takes one at any time; what its pulls are for is that a leader that sheds load, or is
// gone, is sent nothing, and that all clients get their turn. So: nothing before the first pull of a stream, nothing while
// pulls are overdue, and between two pulls at most so many batches, spread evenly. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/time.h"

namespace agones::plugin {

class Pacer {
 public:
  explicit Pacer(std::uint32_t batches_per_pull) : batches_per_pull_(batches_per_pull) {}

  // A new stream begins as the first one did.
  void reset();
  // `waiting`: the requests in the hot batch. All of them may be sent for this pull, in as many batches as it takes.
  void pulled(TimePoint now, std::size_t waiting);

  // How many of the requests that wait may be sent now. If fewer wait than the pull covered, it covers these alone from
  // here on: nobody comes in place of one that has ended.
  std::size_t allowed(TimePoint now, std::size_t waiting);
  void sent(TimePoint now, std::size_t requests);

  // From when on a batch may go without a further pull; none if a pull must come first.
  std::optional<TimePoint> next(TimePoint now) const;

 private:
  Duration interval() const;
  Duration gap() const;

  const std::uint32_t batches_per_pull_;
  std::optional<TimePoint> last_pull_;
  std::optional<Duration> pull_interval_;  // between the last two
  std::size_t covered_ = 0;                // of the hot batch's first requests: by the last pull, and not sent
  std::uint32_t between_pulls_ = 0;        // batches that were sent since the last pull, beside those for it
  std::optional<TimePoint> last_sent_;     // on this stream
};

}  // namespace agones::plugin
