// SPDX-License-Identifier: Apache-2.0
// How large a batch may be, on a clock that the test holds. What comes of it: simulated_processors_test.cpp.
#include "engine/window.h"

#include <gtest/gtest.h>

namespace agones::plugin {
namespace {

using std::chrono::seconds;

constexpr milliseconds kGap{5};
constexpr std::size_t kMany = 100'000;

class WindowTest : public testing::Test {
 protected:
  Window window{{1000, false, 8, 1'000'000}};
  TimePoint now{std::chrono::hours(1)};
  std::uint64_t last = 0;

  Window::Now state(std::size_t waiting = kMany, std::size_t streams = 8) const {
    return {now, kGap, true, waiting, streams};
  }
  // The number of the batch.
  std::uint64_t send(std::size_t requests) {
    window.reserve();
    ++last;
    window.sent(last % 8, last, requests, now);
    return last;
  }
  // A batch at a time, each taking so long.
  void work(int batches, Duration time) {
    for (int i = 0; i < batches; ++i) {
      const std::size_t size = window.batch_size(state(kMany, 1));
      ASSERT_NE(size, 0U);
      const std::uint64_t batch = send(size);
      now += time;
      window.answered(batch, 100 * size, now);
    }
  }
};

TEST_F(WindowTest, StartsWithABatchThatFewAreHeldUpInAndGrowsWhileItHelps) {
  const std::size_t first = window.size();
  EXPECT_EQ(window.batch_size(state(kMany, 1)), 128U);
  EXPECT_EQ(first, 256U) << "the other half for the next stream";
  work(20, milliseconds(50));
  EXPECT_GT(window.size(), first);
  work(200, milliseconds(50));
  EXPECT_GE(window.size(), 1000U);
}

TEST_F(WindowTest, DoesNotGrowForWhatDoesNotWait) {
  const std::size_t first = window.size();
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(window.batch_size(state(1)), 1U);
    const std::uint64_t batch = send(1);
    now += milliseconds(50);
    window.answered(batch, 100, now);
  }
  EXPECT_EQ(window.size(), first);
}

TEST_F(WindowTest, ShrinksWhenOnlyTheTimeGrows) {
  work(100, milliseconds(50));
  const std::size_t grown = window.size();
  // Twenty requests a second.
  for (int i = 0; i < 12; ++i) {
    const std::size_t size = window.batch_size(state(kMany, 1));
    const std::uint64_t batch = send(size);
    now += milliseconds(50) * static_cast<int>(size);
    window.answered(batch, 100 * size, now);
  }
  EXPECT_LT(window.size(), grown / 8);
}

TEST_F(WindowTest, AProcessorThatGotSlowerForEveryBatchIsNotTakenForAFullOne) {
  work(100, milliseconds(50));
  ASSERT_EQ(window.batch_size(state(kMany, 1)), 1000U);
  work(20, milliseconds(500));
  EXPECT_EQ(window.batch_size(state(kMany, 1)), 1000U) << "smaller batches would take as long";
}

TEST_F(WindowTest, ABatchThatALaterOneOvertookCountsNoMore) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t batch = send(1);
    now += milliseconds(20);
    window.answered(batch, 100, now);
  }
  const std::uint64_t slow = send(10);
  const std::uint64_t quick = send(10);
  EXPECT_EQ(window.busy(), 20U);
  now += milliseconds(20);
  window.answered(quick, 1000, now);
  EXPECT_EQ(window.busy(), 10U) << "by a hair is nothing";
  const std::uint64_t later = send(10);
  now += milliseconds(25);
  window.answered(later, 1000, now);
  EXPECT_EQ(window.busy(), 10U) << "ten take longer than one";
  EXPECT_FALSE(window.split(now));
  const std::uint64_t last_one = send(10);
  now += milliseconds(25);
  window.answered(last_one, 1000, now);
  EXPECT_EQ(window.busy(), 0U);
  EXPECT_TRUE(window.split(now));
  EXPECT_EQ(window.streams_wanted({now, milliseconds(50)}), 2U) << "one in place of its";
  now += seconds(2);
  window.answered(slow, 1000, now);
  EXPECT_EQ(window.busy(), 0U);
  EXPECT_EQ(window.streams_wanted({now, milliseconds(50)}), 1U);
}

TEST_F(WindowTest, AStuckProcessorIsSentAProbeNowAndThen) {
  send(window.size());
  int probes = 0;
  for (const TimePoint end = now + seconds(8); now < end; now += milliseconds(1)) {
    const std::size_t size = window.batch_size(state());
    if (size != 0) {
      EXPECT_EQ(size, 1U);
      send(size);
      ++probes;
    }
  }
  EXPECT_GE(probes, 3);
  EXPECT_LE(probes, 8) << "what is sent meanwhile may end as UNKNOWN";
}

TEST_F(WindowTest, SaysWhenItOpens) {
  EXPECT_EQ(window.opens_at(state()), now);
  const std::uint64_t batch = send(window.size());
  const TimePoint opens = window.opens_at(state());
  ASSERT_GT(opens, now);
  now = opens - milliseconds(1);
  EXPECT_EQ(window.batch_size(state()), 0U);
  now = opens;
  EXPECT_EQ(window.batch_size(state()), 1U);
  window.answered(batch, 1000, now);
  EXPECT_EQ(window.opens_at(state()), now);
}

TEST_F(WindowTest, AFewStreamsTakeTurnsAtThePace) {
  EXPECT_EQ(window.streams_wanted({now, kGap}), 1U);
  const std::uint64_t batch = send(10);
  EXPECT_EQ(window.more_wanted_at({now, kGap}), now + kGap + Duration(1));
  now = window.more_wanted_at({now, kGap});
  EXPECT_EQ(window.streams_wanted({now, kGap}), 2U);
  now += milliseconds(40);
  EXPECT_EQ(window.streams_wanted({now, kGap}), 4U) << "what every batch takes is no reason for more";
  EXPECT_GT(window.more_wanted_at({now, kGap}), now + milliseconds(200)) << "for a probe";
  window.answered(batch, 1000, now);
  EXPECT_EQ(window.streams_wanted({now, kGap}), 4U) << "so it will be with the next";
  EXPECT_EQ(window.more_wanted_at({now, kGap}), TimePoint::max());
}

TEST_F(WindowTest, WhatMayNotGoInOneBatchYetOpensStreams) {
  send(128);
  now += milliseconds(150);
  EXPECT_EQ(window.streams_wanted({now, kGap, true, 100, 1}), 4U);
  EXPECT_EQ(window.streams_wanted({now, kGap, true, 1'000, 1}), 7U);
}

// A batch that a slow request holds up, and others that overtake it.
TEST_F(WindowTest, OnceASlowRequestWasSeenBatchesAreSmallOnManyStreams) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t batch = send(100);
    now += milliseconds(50);
    window.answered(batch, 10'000, now);
  }
  const std::size_t before = window.batch_size(state());
  send(10);
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t batch = send(10);
    now += milliseconds(50);
    window.answered(batch, 1'000, now);
  }
  EXPECT_TRUE(window.split(now));
  EXPECT_LT(window.batch_size(state()), before / 2);
  EXPECT_EQ(window.streams_wanted({now, kGap}), 8U) << "all there may be";
  EXPECT_FALSE(window.split(now + seconds(61))) << "seen long ago";
}

TEST_F(WindowTest, FewRequestsAreWorthABatchOnlyAfterAWhile) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t batch = send(1);
    now += milliseconds(1);
    window.answered(batch, 100, now);
  }
  EXPECT_EQ(window.pause({now, kGap, true, 0, 1}, 2), 2 * kGap) << "a processor that answers at once";
  EXPECT_EQ(window.pause({now, kGap, true, 0, 1}, 50), Duration(0));
  EXPECT_EQ(window.pause({now, kGap, true, 5, 1}, 2), Duration(0)) << "more wait";
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t batch = send(1);
    now += milliseconds(80);
    window.answered(batch, 100, now);
  }
  EXPECT_EQ(window.pause({now, kGap, true, 0, 1}, 2), milliseconds(20)) << "four streams take turns";
}

TEST_F(WindowTest, AfterAStandstillItBeginsAnewTheSmallerTheLongerItLasted) {
  std::size_t before = 0;
  for (const auto lasted : {milliseconds(1), milliseconds(500), milliseconds(8'000)}) {
    Window fresh{{1000, false, 8, 1'000'000}};
    std::uint64_t batch = 0;
    const auto send_one = [&] {
      fresh.reserve();
      ++batch;
      fresh.sent(batch % 8, batch, 1, now);
    };
    for (int i = 0; i < 3; ++i) {
      send_one();
      now += milliseconds(20);
      fresh.answered(batch, 100, now);
    }
    send_one();
    const std::uint64_t first = batch;
    for (const TimePoint end = now + lasted; now < end; now += milliseconds(10)) {
      if (fresh.batch_size(state()) == 1) {
        send_one();
      }
    }
    fresh.answered(first, 100, now);
    EXPECT_TRUE(before == 0 || fresh.size() < before / 2) << lasted.count();
    before = fresh.size();
  }
}

TEST_F(WindowTest, AfterAPauseWithABatchHeldUpNobodyIsAwokenForThePast) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t batch = send(1);
    now += milliseconds(50);
    window.answered(batch, 100, now);
  }
  send(1);
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t batch = send(1);
    now += milliseconds(50);
    window.answered(batch, 100, now);
  }
  ASSERT_TRUE(window.split(now));
  ASSERT_EQ(window.busy(), 0U);
  now += seconds(1);
  send(1);
  now += milliseconds(50);
  EXPECT_GE(window.more_wanted_at({now, kGap, true, 5, 1}), now);
  EXPECT_GT(window.batch_size(state()), 1U) << "it does not stand still";
}

TEST_F(WindowTest, ALostConnectionEndsAStandstill) {
  send(10);
  now += seconds(1);
  EXPECT_EQ(window.batch_size(state()), 1U);
  send(1);
  window.stream_lost(1);
  window.stream_lost(2);
  EXPECT_GT(window.batch_size(state()), 1U);
}

TEST_F(WindowTest, OfAQuickProcessorAMomentWithoutTimeIsNothing) {
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t batch = send(10);
    now += milliseconds(1);
    window.answered(batch, 1000, now);
  }
  window.batch_size(state());
  send(10);
  const TimePoint sent = now;
  for (; window.streams_wanted({now, kGap}) == 1; now += milliseconds(1)) {
    ASSERT_GT(window.more_wanted_at({now, kGap}), now) << "or who waits for that would not wait";
    EXPECT_EQ(window.batch_size(state()), 0U) << "one is enough";
  }
  EXPECT_GT(now - sent, 3 * kGap);
}

TEST_F(WindowTest, ASmallWindowIsSpreadOverAllStreams) {
  Window::Now pulled = state();
  pulled.paced = false;
  const std::uint64_t first = send(1);
  now += milliseconds(50);
  window.answered(first, 100, now);
  pulled.time = now;
  EXPECT_EQ(window.batch_size(pulled), window.size() / 8);
  EXPECT_EQ(window.batch_size(state()), window.size() / 8) << "10 batches take as long as one";
  pulled.streams = 1;
  EXPECT_EQ(window.batch_size(pulled), window.size() / 2) << "others will open";
}

TEST_F(WindowTest, AQuickProcessorGetsItAllAtOnce) {
  work(100, milliseconds(1));
  EXPECT_EQ(window.streams_wanted({now, kGap}), 1U);
  EXPECT_EQ(window.batch_size(state()), std::min<std::size_t>(window.size(), 1000));
}

TEST_F(WindowTest, ABatchIsNoLargerThanItsAnswerMayBe) {
  work(200, milliseconds(50));
  EXPECT_EQ(window.batch_size(state(kMany, 1)), window.size() / 2 < 1000 ? window.size() / 2 : 1000);
  const std::uint64_t batch = send(10);
  now += milliseconds(50);
  window.answered(batch, 200'000, now);
  EXPECT_EQ(window.batch_size(state(kMany, 1)), 50U);
  const std::uint64_t huge = send(1);
  now += milliseconds(50);
  window.answered(huge, 5'000'000, now);
  EXPECT_EQ(window.batch_size(state(kMany, 1)), 1U);
}

TEST_F(WindowTest, FixedBatchesHaveNoWindow) {
  Window fixed{{100, true, 8, 1'000'000}};
  fixed.reserve();
  fixed.sent(1, 1, 100, now);
  now += seconds(5);
  EXPECT_EQ(fixed.batch_size({now, kGap, true, 5000, 1}), 100U);
  EXPECT_EQ(fixed.opens_at({now, kGap, true, 5000, 1}), now);
}

TEST_F(WindowTest, ALostStreamTakesItsBatchesAlong) {
  window.reserve();
  window.sent(3, 100, 20, now);
  window.reserve();
  window.sent(4, 101, 10, now);
  window.stream_lost(3);
  EXPECT_EQ(window.busy(), 10U);
  window.answered(100, 1000, now);
  EXPECT_EQ(window.busy(), 10U) << "and an answer is none";
}

}  // namespace
}  // namespace agones::plugin
