// SPDX-License-Identifier: Apache-2.0
#include "engine/deadline_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace agones::plugin {
namespace {

const TimePoint kStart{};

void expire(DeadlineWheel& wheel, TimePoint now, std::vector<Request*>& expired) {
  for (Request* request = wheel.expire(now); request != nullptr; request = request->wheel_next) {
    expired.push_back(request);
  }
}

RequestPtr request_due(Duration after) {
  return Request::create("r", {}, 0, kStart, kStart + after);
}

TEST(DeadlineWheel, EndsNothingBeforeItsDeadline) {
  DeadlineWheel wheel(kStart);
  const RequestPtr request = request_due(milliseconds(250));
  wheel.add(*request);
  std::vector<Request*> expired;
  expire(wheel, kStart + milliseconds(249), expired);
  EXPECT_TRUE(expired.empty());
  expire(wheel, kStart + milliseconds(250), expired);
  EXPECT_EQ(expired, std::vector<Request*>{request.get()});
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(DeadlineWheel, TakesADeadlineThatHasPassed) {
  DeadlineWheel wheel(kStart);
  std::vector<Request*> expired;
  expire(wheel, kStart + milliseconds(1000), expired);
  const RequestPtr request = request_due(milliseconds(10));
  wheel.add(*request);
  expire(wheel, kStart + milliseconds(1001), expired);
  EXPECT_EQ(expired.size(), 1U);
}

TEST(DeadlineWheel, NextWakeLeadsToEveryDeadline) {
  // From a millisecond to beyond the fourth level.
  for (const std::int64_t due : {1LL, 255LL, 256LL, 257LL, 65'536LL, 70'000LL, 86'400'000LL, 20'000'000'000LL}) {
    DeadlineWheel wheel(kStart);
    const RequestPtr request = request_due(milliseconds(due));
    wheel.add(*request);
    std::vector<Request*> expired;
    int wakes = 0;
    TimePoint now = kStart;
    while (expired.empty()) {
      ASSERT_TRUE(wheel.next_wake().has_value());
      ASSERT_GT(*wheel.next_wake(), now) << "no progress";
      now = *wheel.next_wake();
      expire(wheel, now, expired);
      ASSERT_LT(++wakes, 10) << "too many wake-ups for " << due;
    }
    EXPECT_EQ(now, kStart + milliseconds(due));
    EXPECT_FALSE(wheel.next_wake().has_value());
  }
}

// Against the obvious model: an ordered set of deadlines.
TEST(DeadlineWheel, AgreesWithAnOrderedSet) {
  std::mt19937 random(7);
  DeadlineWheel wheel(kStart);
  std::multiset<TimePoint> model;
  std::vector<RequestPtr> alive;
  TimePoint now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % 10;
    if (choice < 6) {
      const milliseconds after(random() % (choice == 0 ? 10'000'000 : 3'000));
      alive.push_back(Request::create("r", {}, 0, now, now + after));
      wheel.add(*alive.back());
      model.insert(std::max(alive.back()->deadline, now + milliseconds(1)));
    } else if (choice < 8 && !alive.empty()) {
      const std::size_t victim = random() % alive.size();
      std::swap(alive[victim], alive.back());
      // A deadline of "now" was counted as the next tick.
      auto found = model.find(alive.back()->deadline);
      if (found == model.end()) {
        found = model.find(alive.back()->deadline + milliseconds(1));
      }
      ASSERT_NE(found, model.end());
      model.erase(found);
      wheel.remove(*alive.back());
      alive.pop_back();
    } else {
      now += milliseconds(random() % 500);
      std::vector<Request*> expired;
      expire(wheel, now, expired);
      const auto end = model.upper_bound(now);
      ASSERT_EQ(expired.size(), static_cast<std::size_t>(std::distance(model.begin(), end)));
      model.erase(model.begin(), end);
      const std::set<Request*> gone(expired.begin(), expired.end());
      alive.erase(
          std::remove_if(alive.begin(), alive.end(), [&](const RequestPtr& r) { return gone.count(r.get()) != 0; }),
          alive.end());
    }
    ASSERT_EQ(wheel.size(), model.size());
    if (!model.empty()) {
      ASSERT_LE(*wheel.next_wake(), *model.begin());
    }
  }
}

}  // namespace
}  // namespace agones::plugin
