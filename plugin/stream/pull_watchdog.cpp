// SPDX-License-Identifier: Apache-2.0
#include "stream/pull_watchdog.h"

#include <algorithm>

namespace agones::plugin {

namespace {

// Five of the processor's default intervals.
constexpr Duration kLeastPatience = milliseconds(1000);
constexpr int kIntervals = 4;

}  // namespace

void PullWatchdog::opened(TimePoint now) {
  last_ = now;
  longest_interval_ = {};
  ever_pulled_ = false;
}

void PullWatchdog::pulled(TimePoint now) {
  if (ever_pulled_) {
    longest_interval_ = std::max(longest_interval_, now - last_);
  }
  last_ = now;
  ever_pulled_ = true;
}

TimePoint PullWatchdog::deadline(bool another_serves) const {
  if (!another_serves) {
    return last_ + pull_timeout_;
  }
  return last_ + std::min(std::max(kLeastPatience, kIntervals * longest_interval_), pull_timeout_);
}

}  // namespace agones::plugin
