// SPDX-License-Identifier: Apache-2.0
#include "engine/pacer.h"

#include <algorithm>

namespace agones::plugin {

namespace {

// The processor's own default, until two pulls have told.
constexpr milliseconds kUsualInterval{200};
// Closer together batches would cost more than they win.
constexpr milliseconds kShortestGap{5};
constexpr int kOverdueIntervals = 2;

}  // namespace

void Pacer::reset() {
  last_pull_.reset();
  pull_interval_.reset();
  covered_ = 0;
  between_pulls_ = 0;
  last_sent_.reset();
}

void Pacer::pulled(TimePoint now, std::size_t waiting) {
  if (last_pull_) {
    pull_interval_ = now - *last_pull_;
  }
  last_pull_ = now;
  covered_ = waiting;
  between_pulls_ = 0;
}

std::size_t Pacer::allowed(TimePoint now, std::size_t waiting) {
  covered_ = std::min(covered_, waiting);
  if (covered_ != 0) {
    return covered_;
  }
  const std::optional<TimePoint> at = next(now);
  return at && now >= *at ? waiting : 0;
}

void Pacer::sent(TimePoint now, std::size_t requests) {
  if (covered_ != 0) {
    covered_ -= std::min(covered_, requests);
  } else {
    ++between_pulls_;
  }
  last_sent_ = now;
}

std::optional<TimePoint> Pacer::next(TimePoint now) const {
  if (!last_pull_ || between_pulls_ + 1 >= batches_per_pull_) {
    return std::nullopt;
  }
  // A processor whose pulls stay away may be gone: what is sent to it would end as UNKNOWN.
  if (now - *last_pull_ > kOverdueIntervals * interval()) {
    return std::nullopt;
  }
  return last_sent_ ? *last_sent_ + gap() : *last_pull_;
}

Duration Pacer::interval() const {
  return pull_interval_.value_or(kUsualInterval);
}

Duration Pacer::gap() const {
  return std::max<Duration>(interval() / batches_per_pull_, kShortestGap);
}

}  // namespace agones::plugin
