// SPDX-License-Identifier: Apache-2.0
// The time type of the pure parts. They never read a clock: `now` is always passed in.
#pragma once

#include <chrono>

namespace agones::plugin {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using std::chrono::milliseconds;

// A time that is too far away to be told never comes.
inline TimePoint later(TimePoint now, Duration wait) {
  return wait < TimePoint::max() - now ? now + wait : TimePoint::max();
}

}  // namespace agones::plugin
