// SPDX-License-Identifier: Apache-2.0
// What the size of batches and the number of streams come to, at processors of every kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "unit/simulation.h"

namespace agones::plugin::test {
namespace {

using std::chrono::seconds;

Engine::Config automatic(std::uint32_t max_streams = 32) {
  Engine::Config config;
  config.max_batch_size = 65'536;
  config.max_streams = max_streams;
  return config;
}

// As the plugin's batches were before they followed the processor.
Engine::Config fixed(std::uint32_t size, std::uint32_t max_streams = 1) {
  Engine::Config config;
  config.fixed_batches = true;
  config.max_batch_size = size;
  config.max_streams = max_streams;
  return config;
}

double mean_size(const std::vector<Simulation::Sent>& batches) {
  const auto sum = std::accumulate(batches.begin(), batches.end(), std::size_t{0},
                                   [](std::size_t all, const auto& batch) { return all + batch.requests; });
  return static_cast<double>(sum) / static_cast<double>(batches.size());
}

// Answers a second over the last two seconds, when so many have been under way for a while.
double rate_at(Simulation& simulation, std::size_t under_way, Duration settled) {
  simulation.run_until(seconds(1));
  simulation.keep_under_way(under_way);
  simulation.run_until(seconds(1) + settled);
  simulation.take_ended();
  simulation.take_batches();
  simulation.run_until(seconds(3) + settled);
  return static_cast<double>(simulation.take_ended()) / 2;
}

TEST(ConstantTimeForABatch, BatchesGrowUntilAllIsUnderWay) {
  for (const std::size_t under_way : {1'000, 10'000, 30'000}) {
    ConstantTime work(milliseconds(50));
    Simulation simulation(automatic(), work);
    // All of them in every 50 ms would be the most.
    EXPECT_GE(rate_at(simulation, under_way, seconds(3)), 0.8 * 20 * static_cast<double>(under_way));
  }
}

TEST(ConstantTimeForABatch, OnOneStreamToo) {
  ConstantTime work(milliseconds(50));
  Simulation simulation(automatic(1), work);
  EXPECT_GE(rate_at(simulation, 10'000, seconds(3)), 0.45 * 20 * 10'000) << "half is under way, the other half waits";
}

TEST(ConstantTimeForABatch, TenTimesSlowerItIsFilledAllTheSame) {
  ConstantTime work(milliseconds(50));
  Simulation simulation(automatic(), work);
  rate_at(simulation, 10'000, seconds(3));
  work.time = milliseconds(500);
  simulation.run_until(simulation.now() + seconds(6));
  simulation.take_ended();
  simulation.run_until(simulation.now() + seconds(4));
  EXPECT_GE(static_cast<double>(simulation.take_ended()) / 4, 0.75 * 2 * 10'000);
}

TEST(ConstantRate, IsKeptBusyByFew) {
  for (const double per_second : {40.0, 400.0, 4'000.0}) {
    for (const std::uint32_t streams : {4U, 32U}) {
      ConstantRate work(per_second, milliseconds(50));
      Simulation simulation(automatic(streams), work);
      EXPECT_GE(rate_at(simulation, 5'000, seconds(20)), 0.94 * per_second);
      // Some times what the 50 ms take, and the least.
      EXPECT_LE(static_cast<double>(simulation.engine().in_flight()), 10 + 4.6 * per_second / 20)
          << "the rest is NOT_SENT";
      EXPECT_LE(mean_size(simulation.take_batches()), 4 + 1.13 * per_second / 20);
    }
  }
}

TEST(ConstantRate, WithoutATimeOfItsOwnItIsTheBestToDoAllAtOnce) {
  ConstantRate work(200'000, milliseconds(1));
  Simulation simulation(automatic(), work);
  // Batches of 1,000 at the pace of 28 a pull would be 140,000.
  EXPECT_GE(rate_at(simulation, 10'000, seconds(1)), 140'000);
  EXPECT_GE(mean_size(simulation.take_batches()), 700);
  EXPECT_LE(simulation.streams(), 4U);
}

TEST(ConstantRate, ALoneRequestNeedsOneStream) {
  ConstantRate work(200'000, milliseconds(1));
  Simulation simulation(automatic(), work);
  simulation.run_until(seconds(1));
  simulation.submit_at_random(200, seconds(20), 1);
  simulation.run_until(seconds(22));
  EXPECT_EQ(simulation.most_streams(), 1U);
  EXPECT_LE(mean(simulation.take_latencies()), 10) << "a batch that is small waits for a second gap";
}

TEST(ConstantRate, ATenfoldChangeIsFollowed) {
  ConstantRate work(400, milliseconds(50));
  Simulation simulation(automatic(), work);
  EXPECT_GE(rate_at(simulation, 20'000, seconds(3)), 390);
  work.per_second = 4'000;
  simulation.run_until(simulation.now() + seconds(1));
  simulation.take_ended();
  simulation.run_until(simulation.now() + seconds(2));
  EXPECT_GE(static_cast<double>(simulation.take_ended()) / 2, 3'900) << "after a second";
  const std::size_t many = simulation.engine().in_flight();
  work.per_second = 400;
  simulation.run_until(simulation.now() + seconds(3));
  EXPECT_LE(simulation.engine().in_flight(), many / 2);
  simulation.take_ended();
  simulation.run_until(simulation.now() + seconds(2));
  EXPECT_GE(static_cast<double>(simulation.take_ended()) / 2, 390) << "never idle meanwhile";
}

TEST(ConstantRate, OthersBesideItLeaveItItsPart) {
  for (const std::size_t others : {100, 1'000}) {
    ConstantRate work(1'000, milliseconds(20));
    Simulation simulation(automatic(), work);
    // Another client has so many under way all the time, in one batch.
    std::function<void()> other = [&] {
      const TimePoint done = work.done(Simulation::kBeginning + simulation.now(), others);
      simulation.at(done - Simulation::kBeginning, other);
    };
    simulation.at(Duration(0), other);
    const double rate = rate_at(simulation, 5'000, seconds(20));
    EXPECT_GE(rate, others == 100 ? 200 : 30) << "of 1,000, beside " << others;
    EXPECT_LE(simulation.engine().in_flight(), 4'000U);
  }
}

TEST(Pauses, LittleIsSentIntoThem) {
  // No answer for 8 s; 20 requests a second, whose callers wait for 1.5 s (H17).
  class Pausing : public ConstantTime {
   public:
    Pausing() : ConstantTime(milliseconds(60)) {}
    TimePoint done(TimePoint now, std::size_t requests) override {
      const TimePoint begin = Simulation::kBeginning + seconds(10);
      const TimePoint end = begin + seconds(8);
      return now >= begin && now < end ? end + time : ConstantTime::done(now, requests);
    }
  };
  Pausing work;
  Simulation simulation(automatic(), work);
  simulation.run_until(seconds(1));
  simulation.submit_at_random(20, seconds(29), 5, milliseconds(1500));
  simulation.run_until(seconds(10));
  EXPECT_EQ(simulation.counters().timed_out.get(), 0U);
  simulation.run_until(seconds(32));
  const auto& counters = simulation.counters();
  EXPECT_GE(counters.timed_out.get(), 100U) << "they can't be helped";
  // A window of them, and a probe now and then.
  EXPECT_LE(counters.unknown.get(), 60U);
  // What has time left is sent as soon as it can be.
  simulation.take_latencies();
  simulation.submit(10, milliseconds(1500));
  simulation.run_until(seconds(33));
  EXPECT_LE(percentile(simulation.take_latencies(), 1), 200);
}

TEST(Pauses, BatchesWhoseRequestsGaveUpStarveNobody) {  // H17
  // Every batch with a request that takes 5 s; others have 1 s.
  class SomeTakeLong : public ConstantTime {
   public:
    SomeTakeLong() : ConstantTime(milliseconds(30)) {}
    TimePoint done(TimePoint now, std::size_t requests) override {
      return ++count_ % 4 == 0 ? now + seconds(5) : ConstantTime::done(now, requests);
    }

   private:
    int count_ = 0;
  };
  for (const std::uint32_t streams : {1U, 32U}) {
    SomeTakeLong work;
    Simulation simulation(automatic(streams), work);
    simulation.run_until(seconds(1));
    simulation.submit_at_random(5, seconds(60), 3, seconds(1));
    simulation.run_until(seconds(70));
    const auto& counters = simulation.counters();
    const double allocated = static_cast<double>(counters.allocated.get());
    const double all = allocated + static_cast<double>(counters.timed_out.get());
    if (streams == 1) {
      // Three batches, then nothing for 5 s: what waits meanwhile is NOT_SENT.
      EXPECT_LE(allocated, 0.5 * all);
      EXPECT_LE(counters.unknown.get(), counters.timed_out.get() / 4);
    } else {
      EXPECT_GE(allocated, 0.7 * all) << "as many as are not slow themselves, or in a batch with one";
    }
  }
}

local::UpdateTiming slow_tail() {
  local::UpdateTiming timing;
  timing.per_second = 400;
  timing.burst = 500;
  timing.at_a_time = 100;
  timing.each = milliseconds(20);
  timing.slow_rate = 0.01;
  timing.slow = seconds(2);
  return timing;
}

constexpr milliseconds kGathering{50};

// Each request answered by itself, all at once: no client can do better.
std::vector<double> ideal_burst(std::size_t requests, std::uint32_t seed) {
  LikeAgones work(slow_tail(), kGathering, seed);
  std::vector<double> times;
  for (std::size_t i = 0; i < requests; ++i) {
    const TimePoint done = work.done(Simulation::kBeginning + kGathering / 2, 1);
    times.push_back(std::chrono::duration<double, std::milli>(done - Simulation::kBeginning).count());
  }
  return times;
}

struct Ratios {
  double mean;
  double p50;
  double p99;
};

// Medians over several bursts of 2,000, of the times over the ideal ones. `used`: the client was in use before.
Ratios bursts(const Engine::Config& config, bool used) {
  std::vector<double> means;
  std::vector<double> p50s;
  std::vector<double> p99s;
  for (std::uint32_t seed = 1; seed <= 15; ++seed) {
    LikeAgones work(slow_tail(), kGathering, seed);
    Simulation simulation(config, work);
    simulation.run_until(seconds(1));
    if (used) {
      simulation.submit_at_random(100, seconds(8), seed);
    }
    simulation.run_until(seconds(11) + milliseconds(seed * 37 % 200));
    simulation.take_latencies();
    simulation.submit(2'000);
    simulation.run();
    const std::vector<double> times = simulation.take_latencies();
    const std::vector<double> ideal = ideal_burst(2'000, seed);
    means.push_back(mean(times) / mean(ideal));
    p50s.push_back(percentile(times, 0.5) / percentile(ideal, 0.5));
    p99s.push_back(percentile(times, 0.99) / percentile(ideal, 0.99));
  }
  return {percentile(means, 0.5), percentile(p50s, 0.5), percentile(p99s, 0.5)};
}

TEST(ATailOfSlowUpdates, ABurstIsAlmostAsQuickAsCanBe) {
  for (const bool used : {false, true}) {
    const Ratios ratios = bursts(automatic(), used);
    // One that has just connected does not know yet that there are slow ones, and has one stream.
    EXPECT_LE(ratios.mean, used ? 1.15 : 1.27);
    EXPECT_LE(ratios.p50, used ? 1.1 : 1.55);
    EXPECT_LE(ratios.p99, used ? 1.05 : 1.3);
  }
}

TEST(ATailOfSlowUpdates, OneStreamCantBeSoQuickWhateverItsBatches) {
  for (const Engine::Config& config : {fixed(100), fixed(1'000), automatic(1)}) {
    EXPECT_GE(bursts(config, true).mean, 2.0);
  }
}

TEST(ATailOfSlowUpdates, TheMoreStreamsTheBetterUpToSome) {
  double before = bursts(automatic(2), true).mean;
  for (const std::uint32_t streams : {8U, 16U, 32U}) {
    const double with_these = bursts(automatic(streams), true).mean;
    EXPECT_LT(with_these, before) << streams;
    before = with_these;
  }
  EXPECT_LE(before, 1.03 * bursts(automatic(64), true).mean);
}

TEST(ATailOfSlowUpdates, ASteadyLoadWaitsForItsOwnSlowOnesAlone) {
  LikeAgones work(slow_tail(), kGathering, 1);
  Simulation simulation(automatic(), work);
  simulation.run_until(seconds(1));
  simulation.submit_at_random(300, seconds(60), 7);
  simulation.run_until(seconds(70));
  const std::vector<double> times = simulation.take_latencies();
  EXPECT_LE(percentile(times, 0.5), 80);
  EXPECT_LE(percentile(times, 0.95), 150);
  EXPECT_LE(percentile(times, 0.99), 2'200) << "one in a hundred is slow itself";
}

TEST(ATailOfSlowUpdates, AClosedLoopIsSpreadOverTheStreams) {
  // Whatever the window permits: 100 under way on 32 streams are three a batch.
  for (const std::size_t under_way : {30, 100, 300}) {
    LikeAgones work(slow_tail(), kGathering, 1);
    Simulation simulation(automatic(), work);
    simulation.run_until(seconds(1));
    simulation.keep_under_way(under_way);
    simulation.run_until(seconds(21));
    simulation.take_ended();
    simulation.run_until(seconds(61));
    const double rate = static_cast<double>(simulation.take_ended()) / 40;
    // Each takes 75 ms, one of a hundred 2 s; 400 a second at most.
    const double possible = std::min(400.0, static_cast<double>(under_way) / (0.99 * 0.075 + 0.01 * 2));
    EXPECT_GE(rate, 0.6 * possible) << under_way;
  }
}

TEST(Streams, AreFewWhereNothingIsHeldUpAndClosedWhenTheyAreNotNeeded) {
  ConstantTime work(milliseconds(50));
  Simulation simulation(automatic(), work);
  simulation.run_until(seconds(1));
  simulation.keep_under_way(1'000);
  simulation.run_until(seconds(20));
  EXPECT_EQ(simulation.streams(), 4U);
  simulation.keep_under_way(0);
  simulation.run_until(seconds(23));
  EXPECT_EQ(simulation.streams(), 4U) << "opening them again takes until the next pull";
  simulation.run_until(seconds(27));
  EXPECT_EQ(simulation.streams(), 1U);
  simulation.submit(1);
  simulation.run();
  EXPECT_EQ(simulation.take_latencies().size(), simulation.counters().allocated.get());
}

}  // namespace
}  // namespace agones::plugin::test
