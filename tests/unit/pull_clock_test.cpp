// SPDX-License-Identifier: Apache-2.0
// Whether a stream may be written to, on a clock that the test holds.
#include "engine/pull_clock.h"

#include <gtest/gtest.h>

namespace agones::plugin {
namespace {

constexpr milliseconds kInterval{50};
const TimePoint kStart{std::chrono::hours(1)};

// The time of the last pull.
TimePoint pull_steadily(PullClock& pulls) {
  for (int i = 0; i <= 3; ++i) {
    pulls.pulled(kStart + i * kInterval);
  }
  return kStart + 3 * kInterval;
}

TEST(PullClock, NothingBeforeTheFirstPull) {  // H4
  PullClock pulls;
  EXPECT_FALSE(pulls.may_send(kStart));
  pulls.pulled(kStart);
  EXPECT_TRUE(pulls.may_send(kStart));
}

TEST(PullClock, NothingWhilePullsAreOverdue) {  // H11, H12
  PullClock pulls;
  const TimePoint last = pull_steadily(pulls);
  EXPECT_TRUE(pulls.may_send(last + 2 * kInterval));
  EXPECT_FALSE(pulls.may_send(last + 2 * kInterval + milliseconds(1))) << "the processor may be gone";
  pulls.pulled(last + 3 * kInterval);
  EXPECT_TRUE(pulls.may_send(last + 3 * kInterval));
}

TEST(PullClock, UntilThreePullsHaveToldTheIntervalIsTheUsualOne) {
  PullClock pulls;
  EXPECT_EQ(pulls.interval(), milliseconds(200));
  pulls.pulled(kStart);
  pulls.pulled(kStart + kInterval);
  EXPECT_EQ(pulls.interval(), milliseconds(200));
  pulls.pulled(kStart + 2 * kInterval);
  EXPECT_EQ(pulls.interval(), kInterval);
}

TEST(PullClock, TwoPullsThatArriveTogetherDoNotStopSending) {
  PullClock pulls;
  const TimePoint last = pull_steadily(pulls);
  // One is late, the next one is not.
  pulls.pulled(last + 2 * kInterval - milliseconds(1));
  pulls.pulled(last + 2 * kInterval);
  EXPECT_TRUE(pulls.may_send(last + 3 * kInterval));
}

TEST(PullClock, OneLongGapPermitsNoLongerOne) {
  PullClock pulls;
  const TimePoint last = pull_steadily(pulls) + std::chrono::seconds(4);
  pulls.pulled(last);
  EXPECT_TRUE(pulls.may_send(last + 2 * kInterval));
  EXPECT_FALSE(pulls.may_send(last + 2 * kInterval + milliseconds(1)));
}

}  // namespace
}  // namespace agones::plugin
