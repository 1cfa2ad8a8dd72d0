// SPDX-License-Identifier: Apache-2.0
// Waiting for what other threads do.
#pragma once

#include <chrono>
#include <functional>

namespace agones::test {

// Generous: a condition that has not come true by then never will.
inline constexpr std::chrono::seconds kPatience{60};
inline constexpr auto kPatienceMs = static_cast<int>(std::chrono::milliseconds(kPatience).count());

// Until the condition holds, without polling anything; false after kPatience.
bool wait_until(const std::function<bool()>& condition);

}  // namespace agones::test
