// SPDX-License-Identifier: Apache-2.0
#include "local-processor/update_schedule.h"

#include <gtest/gtest.h>

#include <chrono>

namespace agones::local {
namespace {

using namespace std::chrono_literals;
using Time = UpdateSchedule::Time;

constexpr Time kStart{};

Time at(std::chrono::nanoseconds time) {
  return kStart + std::chrono::hours(1) + time;
}

TEST(UpdateSchedule, WithoutLimitsEachTakesItsTime) {
  UpdateTiming timing;
  timing.each = 5ms;
  timing.at_a_time = 3;
  UpdateSchedule schedule(timing, 1);
  EXPECT_EQ(schedule.add(at(0ms)), at(5ms));
  EXPECT_EQ(schedule.add(at(1ms)), at(6ms));
  EXPECT_EQ(schedule.add(at(1ms)), at(6ms));
  // Three are under way: the fourth waits for the first.
  EXPECT_EQ(schedule.add(at(1ms)), at(10ms));
}

TEST(UpdateSchedule, TheBurstGoesAtOnceTheRestAtTheRate) {
  UpdateTiming timing;
  timing.per_second = 400;
  timing.burst = 500;
  timing.at_a_time = 10'000;
  UpdateSchedule schedule(timing, 1);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(schedule.add(at(0ms)), at(0ms)) << i;
  }
  for (int i = 1; i <= 1500; ++i) {
    EXPECT_EQ(schedule.add(at(0ms)), at(i * 2500us)) << i;
  }
}

TEST(UpdateSchedule, APauseFillsTheBurstAgainAndNoMore) {
  UpdateTiming timing;
  timing.per_second = 100;
  timing.burst = 5;
  timing.at_a_time = 1000;
  UpdateSchedule schedule(timing, 1);
  for (int i = 0; i < 5; ++i) {
    schedule.add(at(0ms));
  }
  // Two tokens came back.
  EXPECT_EQ(schedule.add(at(20ms)), at(20ms));
  EXPECT_EQ(schedule.add(at(20ms)), at(20ms));
  EXPECT_EQ(schedule.add(at(20ms)), at(30ms));
  // An hour later it is five, not thousands.
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(schedule.add(at(1h)), at(1h));
  }
  EXPECT_EQ(schedule.add(at(1h)), at(1h + 10ms));
}

TEST(UpdateSchedule, ANewRateBeginsWithWhatIsSavedUp) {
  UpdateTiming timing;
  timing.per_second = 100;
  timing.burst = 5;
  timing.at_a_time = 1000;
  UpdateSchedule schedule(timing, 1);
  for (int i = 0; i < 3; ++i) {
    schedule.add(at(0ms));
  }
  timing.per_second = 1000;
  schedule.change(timing, at(0ms));
  EXPECT_EQ(schedule.add(at(0ms)), at(0ms));
  EXPECT_EQ(schedule.add(at(0ms)), at(0ms));
  EXPECT_EQ(schedule.add(at(0ms)), at(1ms)) << "two were left";
  timing.per_second = 0;
  timing.each = 3ms;
  schedule.change(timing, at(0ms));
  EXPECT_EQ(schedule.add(at(0ms)), at(3ms));
}

TEST(UpdateSchedule, SomeAreSlow) {
  UpdateTiming timing;
  timing.each = 20ms;
  timing.slow = 2s;
  timing.slow_rate = 0.01;
  timing.at_a_time = 100'000;
  UpdateSchedule schedule(timing, 7);
  int slow = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto took = schedule.add(at(0ms)) - at(0ms);
    EXPECT_TRUE(took == 20ms || took == 2s);
    slow += took == 2s ? 1 : 0;
  }
  EXPECT_NEAR(slow, 1000, 200);
}

}  // namespace
}  // namespace agones::local
