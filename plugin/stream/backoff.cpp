// SPDX-License-Identifier: Apache-2.0
#include "stream/backoff.h"

#include <algorithm>

namespace agones::plugin {

Duration Backoff::next() {
  constexpr std::uint32_t kMostDoublings = 30;
  const std::int64_t doubled = config_.initial.count() << std::min(failures_, kMostDoublings);
  ++failures_;
  const double base = static_cast<double>(std::min<std::int64_t>(doubled, config_.maximum.count()));
  const double spread = static_cast<double>(config_.jitter_percent) / 100.0;
  std::uniform_real_distribution<double> factor(1.0 - spread, 1.0 + spread);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(base * factor(random_)));
}

}  // namespace agones::plugin
