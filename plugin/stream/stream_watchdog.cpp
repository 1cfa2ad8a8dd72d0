// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_watchdog.h"

#include <algorithm>

namespace agones::plugin {

namespace {

// Five of the processor's default intervals.
constexpr Duration kLeastPatience = milliseconds(1000);
constexpr int kIntervals = 4;

}  // namespace

void StreamWatchdog::opened(TimePoint now) {
  last_pull_ = now;
  longest_interval_ = {};
  ever_pulled_ = false;
  unanswered_ = 0;
}

void StreamWatchdog::pulled(TimePoint now) {
  if (ever_pulled_) {
    longest_interval_ = std::max(longest_interval_, now - last_pull_);
  }
  last_pull_ = now;
  ever_pulled_ = true;
}

void StreamWatchdog::sent(TimePoint now) {
  if (unanswered_ == 0) {
    unanswered_since_ = now;
  }
  ++unanswered_;
}

void StreamWatchdog::answered(TimePoint now) {
  unanswered_since_ = now;
  if (unanswered_ > 0) {
    --unanswered_;
  }
}

TimePoint StreamWatchdog::answer_deadline() const {
  return unanswered_ == 0 ? TimePoint::max() : unanswered_since_ + answer_timeout_;
}

TimePoint StreamWatchdog::pull_deadline(bool another_serves) const {
  if (!another_serves) {
    return last_pull_ + pull_timeout_;
  }
  return last_pull_ + std::min(std::max(kLeastPatience, kIntervals * longest_interval_), pull_timeout_);
}

}  // namespace agones::plugin
