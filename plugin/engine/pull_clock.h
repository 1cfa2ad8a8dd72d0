// SPDX-License-Identifier: Apache-2.0
// The pulls of one stream: whether it may be written to. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "base/time.h"

namespace agones::plugin {

class PullClock {
 public:
  // The processor's own default.
  static constexpr milliseconds kUsualInterval{200};

  void pulled(TimePoint now) {
    if (last_) {
      gaps_[gap_count_++ % gaps_.size()] = now - *last_;
    }
    last_ = now;
  }

  // Not before the first pull (H4), nor while pulls are overdue: the processor may be gone, and what is sent to it would end
  // as UNKNOWN.
  bool may_send(TimePoint now) const { return last_ && now - *last_ <= kOverdueIntervals * interval(); }
  // The middle one of the last three gaps: one pull that is late, and the next one that follows it closely, tell nothing.
  // Until gaps are known they are the usual one.
  Duration interval() const {
    auto gaps = gaps_;
    std::nth_element(gaps.begin(), gaps.begin() + 1, gaps.end());
    return gaps[1];
  }

 private:
  static constexpr int kOverdueIntervals = 2;

  std::optional<TimePoint> last_;
  std::array<Duration, 3> gaps_{kUsualInterval, kUsualInterval, kUsualInterval};
  std::size_t gap_count_ = 0;
};

}  // namespace agones::plugin
