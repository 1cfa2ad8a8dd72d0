// SPDX-License-Identifier: Apache-2.0
// When a batch may go, on a clock that the test holds.
#include "engine/pacer.h"

#include <gtest/gtest.h>

#include <optional>

namespace agones::plugin {
namespace {

constexpr milliseconds kInterval{200};

class PacerTest : public testing::Test {
 protected:
  // Two pulls, the second of them now.
  void start(std::uint32_t batches_per_pull) {
    held.emplace(batches_per_pull);
    pacer().pulled(now, 0, kInterval);
    now += kInterval;
    pacer().pulled(now, 0, kInterval);
  }
  Pacer& pacer() { return *held; }
  // Sends one request whenever it may, for so long, and pulls as a processor does. How many were sent.
  int send_for(milliseconds time) {
    int sent = 0;
    const TimePoint end = now + time;
    TimePoint next_pull = now + kInterval;
    for (; now < end; now += milliseconds(1)) {
      if (now >= next_pull) {
        pacer().pulled(now, 1, kInterval);
        next_pull += kInterval;
      }
      if (pacer().allowed(now, 1) != 0) {
        pacer().sent(now, 1);
        ++sent;
      }
    }
    return sent;
  }

  std::optional<Pacer> held;
  TimePoint now{std::chrono::hours(1)};
};

TEST_F(PacerTest, NothingGoesBeforeTheFirstPull) {
  Pacer fresh(32);
  EXPECT_EQ(fresh.allowed(now, 5), 0U);
  EXPECT_FALSE(fresh.next());
  fresh.pulled(now, 0, kInterval);
  EXPECT_EQ(fresh.allowed(now, 5), 5U);
  fresh.reset();
  EXPECT_EQ(fresh.allowed(now, 5), 0U);
}

TEST_F(PacerTest, APullCoversAllThatWaitedInAnyNumberOfBatches) {
  start(1);
  pacer().pulled(now, 250, kInterval);
  EXPECT_EQ(pacer().allowed(now, 300), 250U);
  pacer().sent(now, 100);
  EXPECT_EQ(pacer().allowed(now, 200), 150U);
  pacer().sent(now, 150);
  EXPECT_EQ(pacer().allowed(now, 50), 0U) << "what came later waits for the next pull";
  EXPECT_EQ(pacer().allowed(now, 50), 0U);
}

TEST_F(PacerTest, WithOneAPullNothingGoesBetween) {
  start(1);
  EXPECT_FALSE(pacer().next());
  EXPECT_EQ(send_for(kInterval - milliseconds(1)), 0);
  EXPECT_EQ(send_for(10 * kInterval), 9) << "a request waits at each pull but the first";
}

TEST_F(PacerTest, BatchesAreSpreadEvenlyAndBounded) {
  start(20);
  // 10 ms apart, one of them for the pull.
  const int sent = send_for(10 * kInterval);
  EXPECT_LE(sent, 10 * 20);
  EXPECT_GE(sent, 10 * 18);
}

TEST_F(PacerTest, TheyAreNeverCloserThanIsWorthIt) {
  start(1000);
  pacer().sent(now, 1);
  EXPECT_EQ(pacer().next(), now + milliseconds(5));
  EXPECT_LE(send_for(kInterval), 40);
}

TEST_F(PacerTest, ThePullsOfSeveralStreamsAreOne) {
  start(20);
  pacer().pulled(now, 40, kInterval);
  pacer().sent(now, 40);
  pacer().sent(now, 1);
  for (int stream = 0; stream < 30; ++stream) {
    pacer().pulled(now, 0, kInterval);
  }
  EXPECT_EQ(pacer().gap(), milliseconds(10)) << "from pull to pull of one stream";
  now += milliseconds(90);
  pacer().pulled(now, 7, kInterval);
  EXPECT_EQ(pacer().allowed(now, 9), 7U) << "each covers what waits";
  pacer().sent(now, 7);
  int sent = 0;
  for (const TimePoint end = now + kInterval / 2; now < end; now += milliseconds(1)) {
    if (pacer().allowed(now, 1) != 0) {
      pacer().sent(now, 1);
      ++sent;
    }
  }
  EXPECT_LE(sent, 10);
}

}  // namespace
}  // namespace agones::plugin
