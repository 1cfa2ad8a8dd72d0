// SPDX-License-Identifier: Apache-2.0
// Whether a stream may be written to, on a clock that the test holds.
#include "engine/pull_clock.h"

#include <gtest/gtest.h>

namespace agones::plugin {
namespace {

constexpr milliseconds kInterval{50};
const TimePoint kStart{std::chrono::hours(1)};

TEST(PullClock, NothingBeforeTheFirstPull) {  // H4
  PullClock pulls;
  EXPECT_FALSE(pulls.may_send(kStart));
  pulls.pulled(kStart);
  EXPECT_TRUE(pulls.may_send(kStart));
}

TEST(PullClock, NothingWhilePullsAreOverdue) {  // H11, H12
  PullClock pulls;
  pulls.pulled(kStart);
  pulls.pulled(kStart + kInterval);
  EXPECT_TRUE(pulls.may_send(kStart + 3 * kInterval));
  EXPECT_FALSE(pulls.may_send(kStart + 3 * kInterval + milliseconds(1))) << "the processor may be gone";
  pulls.pulled(kStart + 4 * kInterval);
  EXPECT_TRUE(pulls.may_send(kStart + 4 * kInterval));
}

TEST(PullClock, UntilTwoPullsHaveToldTheIntervalIsTheUsualOne) {
  PullClock pulls;
  EXPECT_EQ(pulls.interval(), milliseconds(200));
  pulls.pulled(kStart);
  EXPECT_EQ(pulls.interval(), milliseconds(200));
  pulls.pulled(kStart + kInterval);
  EXPECT_EQ(pulls.interval(), kInterval);
}

}  // namespace
}  // namespace agones::plugin
