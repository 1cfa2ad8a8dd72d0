// SPDX-License-Identifier: Apache-2.0
#include "engine/pacer.h"

#include <algorithm>

namespace agones::plugin {

namespace {

// Closer together batches would cost more than they win.
constexpr milliseconds kShortestGap{5};

}  // namespace

void Pacer::reset() {
  last_pull_.reset();
  interval_ = PullClock::kUsualInterval;
  covered_ = 0;
  between_pulls_ = 0;
  last_sent_.reset();
}

void Pacer::pulled(TimePoint now, std::size_t waiting, Duration interval) {
  covered_ = waiting;
  if (last_pull_ && now - *last_pull_ < interval / 2) {
    return;
  }
  interval_ = interval;
  last_pull_ = now;
  between_pulls_ = 0;
}

void Pacer::left(std::size_t waiting) {
  covered_ = std::min(covered_, waiting);
}

std::size_t Pacer::allowed(TimePoint now, std::size_t waiting) const {
  if (covered_ != 0) {
    return covered_;
  }
  const std::optional<TimePoint> at = next();
  return at && now >= *at ? waiting : 0;
}

void Pacer::sent(TimePoint now, std::size_t requests, Duration pause) {
  if (covered_ != 0) {
    covered_ -= std::min(covered_, requests);
  } else {
    ++between_pulls_;
  }
  last_sent_ = now;
  pause_ = pause;
}

std::optional<TimePoint> Pacer::next() const {
  if (!last_pull_ || between_pulls_ + 1 >= batches_per_pull_) {
    return std::nullopt;
  }
  return last_sent_ ? *last_sent_ + std::max(gap(), pause_) : *last_pull_;
}

Duration Pacer::gap() const {
  return std::max<Duration>(interval_ / batches_per_pull_, kShortestGap);
}

}  // namespace agones::plugin
