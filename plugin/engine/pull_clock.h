// SPDX-License-Identifier: Apache-2.0
// The pulls of one stream: whether it may be written to. Pure.
#pragma once

#include <optional>

#include "engine/time.h"

namespace agones::plugin {

class PullClock {
 public:
  // The processor's own default.
  static constexpr milliseconds kUsualInterval{200};

  void pulled(TimePoint now) {
    if (last_) {
      interval_ = now - *last_;
    }
    last_ = now;
  }

  // Not before the first pull (H4), nor while pulls are overdue: the processor may be gone, and what is sent to it would end
  // as UNKNOWN.
  bool may_send(TimePoint now) const { return last_ && now - *last_ <= kOverdueIntervals * interval_; }
  // Between the last two; the usual one until two have come.
  Duration interval() const { return interval_; }

 private:
  static constexpr int kOverdueIntervals = 2;

  std::optional<TimePoint> last_;
  Duration interval_ = kUsualInterval;
};

}  // namespace agones::plugin
