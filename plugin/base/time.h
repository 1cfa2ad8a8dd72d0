// SPDX-License-Identifier: Apache-2.0
// The time type of the pure parts. They never read a clock: `now` is always passed in.
#pragma once

#include <chrono>

namespace agones::plugin {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using std::chrono::milliseconds;

}  // namespace agones::plugin
