// SPDX-License-Identifier: Apache-2.0
// The default against plain batches (all that waits, up to 1,000, on one stream) at the same simulated processors. The default
// is to be worse nowhere; where it is, the bound says by how much.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "unit/simulation.h"

namespace agones::plugin::test {
namespace {

using std::chrono::seconds;

constexpr milliseconds kGathering{50};
// What may be lost to chance.
constexpr double kAsGood = 1.1;

Engine::Config automatic() {
  Engine::Config config;
  config.max_batch_size = 65'536;
  config.max_streams = 32;
  return config;
}

Engine::Config plain() {
  Engine::Config config;
  config.fixed_batches = true;
  config.max_batch_size = 1'000;
  config.max_streams = 1;
  return config;
}

struct Figures {
  double mean_ms = 0;
  double p99_ms = 0;
  double allocated = 0;
  double unknown = 0;
  double not_sent = 0;
  double batches = 0;
  double streams = 0;  // at most
};

Figures figures_of(Simulation& simulation) {
  const std::vector<double> times = simulation.take_latencies();
  const Counters& counters = simulation.counters();
  Figures figures;
  if (!times.empty()) {
    figures.mean_ms = mean(times);
    figures.p99_ms = percentile(times, 0.99);
  }
  figures.allocated = static_cast<double>(counters.allocated.get());
  figures.unknown = static_cast<double>(counters.unknown.get());
  figures.not_sent = static_cast<double>(counters.timed_out.get()) - figures.unknown;
  figures.batches = static_cast<double>(counters.batches_sent.get());
  figures.streams = static_cast<double>(simulation.most_streams());
  return figures;
}

void print(const char* name, const Figures& figures) {
  std::printf(
      "  %-10s mean %7.1f ms, p99 %7.1f ms, %6.0f allocated, %4.0f UNKNOWN, %4.0f NOT_SENT, %6.0f batches, %2.0f "
      "streams\n",
      name, figures.mean_ms, figures.p99_ms, figures.allocated, figures.unknown, figures.not_sent, figures.batches,
      figures.streams);
}

struct Pair {
  Figures mine;
  Figures plain;
};

Pair compare(const std::function<Figures(const Engine::Config&)>& run) {
  const Pair pair{run(automatic()), run(plain())};
  print("automatic", pair.mine);
  print("plain", pair.plain);
  return pair;
}

void expect_as_quick(const Pair& pair, double bound = kAsGood) {
  EXPECT_LE(pair.mine.mean_ms, bound * pair.plain.mean_ms);
  EXPECT_LE(pair.mine.p99_ms, bound * pair.plain.p99_ms);
}

// Requests at random times at a client that has just connected.
Figures paced(const Engine::Config& config, Work& work, double per_second, Duration for_so_long,
              Duration timeout = std::chrono::minutes(10)) {
  Simulation simulation(config, work);
  simulation.run_until(milliseconds(110));
  simulation.submit_at_random(per_second, for_so_long, 11, timeout);
  simulation.run_until(milliseconds(110) + for_so_long);
  simulation.run();
  return figures_of(simulation);
}

TEST(AsPlain, AColdStartAt1000ASecond) {
  const Pair begin = compare([](const Engine::Config& config) {
    ConstantTime work(milliseconds(100));
    return paced(config, work, 1'000, seconds(2));
  });
  expect_as_quick(begin);
  const Pair later = compare([](const Engine::Config& config) {
    ConstantTime work(milliseconds(100));
    return paced(config, work, 1'000, seconds(10));
  });
  expect_as_quick(later, 0.85);
}

TEST(AsPlain, AColdStartWithShortTimeouts) {
  for (const milliseconds timeout : {milliseconds(500), milliseconds(250)}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantTime work(milliseconds(100));
      return paced(config, work, 1'000, seconds(8), timeout);
    });
    EXPECT_LE(pair.mine.unknown, pair.plain.unknown);
    EXPECT_LE(pair.mine.not_sent, pair.plain.not_sent);
  }
}

TEST(AsPlain, ABurstOfAClientThatHasJustConnected) {
  for (const std::size_t requests : {10, 100, 1'000, 10'000}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantTime work(milliseconds(50));
      Simulation simulation(config, work);
      simulation.run_until(milliseconds(130));
      simulation.submit(requests);
      simulation.run();
      return figures_of(simulation);
    });
    if (requests <= 100) {
      expect_as_quick(pair);
    } else {
      // The price of not knowing whether a slow request would hold up all others: two more batches' time.
      EXPECT_LE(pair.mine.mean_ms, pair.plain.mean_ms + 80);
      EXPECT_LE(pair.mine.p99_ms, pair.plain.p99_ms + 101);
    }
  }
}

TEST(AsPlain, LowRatesAt50MsABatch) {
  for (const double rate : {50.0, 200.0, 1'000.0}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantTime work(milliseconds(50));
      return paced(config, work, rate, seconds(20));
    });
    expect_as_quick(pair);
    EXPECT_LE(pair.mine.streams, 4);
  }
}

TEST(AsPlain, LowRatesWhereAnswersComeAtOnce) {
  for (const double rate : {50.0, 200.0}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantRate work(200'000, milliseconds(1));
      return paced(config, work, rate, seconds(20));
    });
    EXPECT_LE(pair.mine.mean_ms, 10);
    EXPECT_EQ(pair.mine.streams, 1);
    EXPECT_LE(pair.mine.batches, rate < 100 ? pair.plain.batches : 0.6 * pair.plain.batches);
  }
}

// A cluster without a tail.
local::UpdateTiming cluster(double per_second) {
  local::UpdateTiming timing;
  timing.per_second = per_second;
  timing.burst = per_second < 100 ? 1 : 500;
  timing.at_a_time = 100;
  timing.each = milliseconds(12);
  return timing;
}

TEST(AsPlain, AClusterAtLowRatesNeedsFewStreams) {
  for (const double rate : {2.0, 25.0}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      LikeAgones work(cluster(400), kGathering, 1);
      return paced(config, work, rate, seconds(60));
    });
    expect_as_quick(pair);
    EXPECT_LE(pair.mine.streams, rate < 10 ? 3 : 4);
  }
}

TEST(AsPlain, ABurstAtACluster) {
  for (const double per_second : {400.0, 60.0}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      LikeAgones work(cluster(per_second), kGathering, 1);
      Simulation simulation(config, work);
      simulation.run_until(milliseconds(130));
      simulation.submit(500);
      simulation.run();
      return figures_of(simulation);
    });
    if (per_second < 100) {
      EXPECT_LE(pair.mine.mean_ms, 0.6 * pair.plain.mean_ms);
      EXPECT_LE(pair.mine.p99_ms, pair.plain.p99_ms);
    } else {
      EXPECT_LE(pair.mine.mean_ms, pair.plain.mean_ms + 30);
      EXPECT_LE(pair.mine.p99_ms, pair.plain.p99_ms + 70);
    }
  }
}

// An API server that others use as well: what it has left for the processor changes.
class Noisy : public Work {
 public:
  Noisy(double least, double most, std::uint32_t seed) : least_(least), most_(most), random_(seed) {}
  TimePoint done(TimePoint now, std::size_t requests) override {
    const TimePoint look = now + kGathering / 2;
    free_ = std::max(free_, look);
    for (std::size_t i = 0; i < requests; ++i) {
      const auto second = std::chrono::duration_cast<seconds>(free_.time_since_epoch()).count();
      if (second != second_) {
        second_ = second;
        rate_ = std::uniform_real_distribution<double>(least_, most_)(random_);
      }
      free_ += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate_));
    }
    return free_ + milliseconds(12);
  }

 private:
  double least_;
  double most_;
  std::mt19937 random_;
  std::int64_t second_ = 0;
  double rate_ = 40;
  TimePoint free_{};
};

TEST(AsPlain, MoreIsAskedForThanAClusterHas) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      Noisy work(16, 64, seed);
      Simulation simulation(config, work);
      simulation.run_until(milliseconds(110));
      simulation.submit_at_random(70, seconds(60), seed, seconds(10));
      simulation.run_until(seconds(60));
      return figures_of(simulation);
    });
    EXPECT_GE(pair.mine.allocated, 0.95 * pair.plain.allocated);
    EXPECT_LE(pair.mine.mean_ms, kAsGood * pair.plain.mean_ms);
    EXPECT_LE(pair.mine.unknown, kAsGood * pair.plain.unknown);
    EXPECT_LE(pair.mine.batches, 1.5 * pair.mine.allocated);
  }
}

// No answer for 8 s; then every batch takes 1.2 s for 4 s.
class Stalls : public ConstantTime {
 public:
  Stalls() : ConstantTime(milliseconds(60)) {}
  TimePoint done(TimePoint now, std::size_t requests) override {
    const TimePoint stops = Simulation::kBeginning + seconds(10);
    const TimePoint resumes = stops + seconds(8);
    if (now >= stops && now < resumes) {
      return resumes + milliseconds(500);
    }
    return now >= resumes && now < resumes + seconds(4) ? now + milliseconds(1200) : ConstantTime::done(now, requests);
  }
};

TEST(AsPlain, AStalledApiServer) {
  const Pair pair = compare([](const Engine::Config& config) {
    Stalls work;
    return paced(config, work, 20, seconds(30), milliseconds(1500));
  });
  EXPECT_LE(pair.mine.unknown, pair.plain.unknown / 4);
}

// What the clients' and the processor's work of a batch adds up to.
class Busy : public Work {
 public:
  TimePoint done(TimePoint now, std::size_t requests) override {
    free_ = std::max(free_, now) + std::chrono::microseconds(300 + 10 * requests);
    return free_ + milliseconds(50);
  }

 private:
  TimePoint free_{};
};

TEST(AsPlain, SeveralClientsAtOneProcessor) {
  for (const std::size_t clients : {1U, 4U, 10U}) {
    double fairness = 1;
    const Pair pair = compare([&](const Engine::Config& config) {
      Busy work;
      std::vector<std::unique_ptr<Simulation>> all;
      all.push_back(std::make_unique<Simulation>(config, work));
      while (all.size() < clients) {
        all.push_back(std::make_unique<Simulation>(config, *all.front(), milliseconds(100 + 7 * all.size())));
      }
      all.front()->run_until(milliseconds(300));
      for (const auto& client : all) {
        client->keep_under_way(10'000);
      }
      all.front()->run_until(seconds(4));
      Figures sum;
      double least = 1e9;
      for (const auto& client : all) {
        const Figures one = figures_of(*client);
        sum.mean_ms += one.mean_ms / static_cast<double>(clients);
        sum.p99_ms = std::max(sum.p99_ms, one.p99_ms);
        sum.allocated += one.allocated;
        sum.batches += one.batches;
        sum.streams += one.streams;
        least = std::min(least, one.allocated);
        client->keep_under_way(0);
      }
      fairness = std::min(fairness, least * static_cast<double>(clients) / sum.allocated);
      sum.streams /= static_cast<double>(clients);
      return sum;
    });
    EXPECT_LE(pair.mine.mean_ms, kAsGood * pair.plain.mean_ms);
    EXPECT_LE(pair.mine.p99_ms, 3.2 * pair.plain.p99_ms);
    EXPECT_GE(pair.mine.allocated, 0.93 * pair.plain.allocated);
    EXPECT_GE(pair.mine.allocated / pair.mine.batches, 300) << "a batch costs as much as some hundred requests";
    EXPECT_LE(pair.mine.streams, 10) << "at the peak, with those for the first requests and for probes";
    EXPECT_GE(fairness, 0.4) << "what the least gets of its part";
  }
}

TEST(AsPlain, ManyUnderWayAt50MsABatch) {
  for (const std::size_t under_way : {100, 1'000, 10'000}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantTime work(milliseconds(50));
      Simulation simulation(config, work);
      simulation.run_until(milliseconds(110));
      simulation.keep_under_way(under_way);
      simulation.run_until(seconds(1));
      simulation.take_latencies();
      simulation.run_until(seconds(5));
      return figures_of(simulation);
    });
    expect_as_quick(pair);
    EXPECT_GE(pair.mine.allocated, 0.95 * pair.plain.allocated);
  }
}

local::UpdateTiming slow_tail() {
  local::UpdateTiming timing = cluster(400);
  timing.each = milliseconds(20);
  timing.slow_rate = 0.01;
  timing.slow = seconds(2);
  return timing;
}

TEST(AsPlain, ATail) {
  for (const std::size_t requests : {10, 100, 500, 2'000}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      Figures all;
      for (std::uint32_t seed = 1; seed <= 15; ++seed) {
        LikeAgones work(slow_tail(), kGathering, seed);
        Simulation simulation(config, work);
        simulation.run_until(milliseconds(110 + seed * 37 % 200));
        simulation.submit(requests);
        simulation.run();
        const Figures one = figures_of(simulation);
        all.mean_ms += one.mean_ms / 15;
        all.p99_ms += one.p99_ms / 15;
        all.batches += one.batches / 15;
        all.streams = std::max(all.streams, one.streams);
      }
      return all;
    });
    EXPECT_LE(pair.mine.mean_ms, pair.plain.mean_ms);
    EXPECT_LE(pair.mine.p99_ms, 1.2 * pair.plain.p99_ms);
  }
}

// Batches take what they take by chance, whatever their size.
class ByChance : public Work {
 public:
  ByChance(double sigma, std::uint32_t seed) : time_(std::log(60.0), sigma), random_(seed) {}
  TimePoint done(TimePoint now, std::size_t /*requests*/) override {
    return now + std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(time_(random_)));
  }

 private:
  std::lognormal_distribution<double> time_;
  std::mt19937 random_;
};

TEST(AsPlain, TimesThatDifferByChance) {
  for (const double sigma : {0.3, 0.6, 1.0}) {
    const Pair loop = compare([&](const Engine::Config& config) {
      ByChance work(sigma, 1);
      Simulation simulation(config, work);
      simulation.run_until(milliseconds(110));
      simulation.keep_under_way(300);
      simulation.run_until(seconds(20));
      return figures_of(simulation);
    });
    EXPECT_GE(loop.mine.allocated, (sigma < 0.5 ? 0.9 : 0.7) * loop.plain.allocated) << sigma;
    const Pair paced_pair = compare([&](const Engine::Config& config) {
      ByChance work(sigma, 1);
      return paced(config, work, 200, seconds(30), seconds(10));
    });
    EXPECT_LE(paced_pair.mine.mean_ms, kAsGood * paced_pair.plain.mean_ms) << sigma;
    EXPECT_LE(paced_pair.mine.p99_ms, 1.3 * paced_pair.plain.p99_ms) << sigma;
  }
}

TEST(AsPlain, BatchesThatTakeLong) {
  for (const auto time : {milliseconds(400), milliseconds(700)}) {
    const Pair pair = compare([&](const Engine::Config& config) {
      ConstantTime work(time);
      return paced(config, work, 200, seconds(20));
    });
    expect_as_quick(pair);
  }
  const Pair loop = compare([&](const Engine::Config& config) {
    ConstantTime work(seconds(2));
    Simulation simulation(config, work);
    simulation.run_until(milliseconds(110));
    simulation.keep_under_way(1'000);
    simulation.run_until(seconds(60));
    return figures_of(simulation);
  });
  EXPECT_GE(loop.mine.allocated, 0.5 * loop.plain.allocated) << "in the first minute";
}

TEST(AsPlain, ALeaderThatChangesCostsNothingMore) {
  const Pair pair = compare([](const Engine::Config& config) {
    ConstantTime work(milliseconds(100));
    Simulation simulation(config, work);
    simulation.run_until(milliseconds(110));
    simulation.submit_at_random(2'000, seconds(10), 3);
    simulation.run_until(seconds(5));
    simulation.disconnect();
    simulation.take_latencies();
    simulation.run_until(seconds(9));
    return figures_of(simulation);
  });
  expect_as_quick(pair);
}

}  // namespace
}  // namespace agones::plugin::test
