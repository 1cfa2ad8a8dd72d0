// SPDX-License-Identifier: Apache-2.0
// Histograms and the text of metrics.
#include <gtest/gtest.h>

#include <cstddef>

#include <agones/histogram.hpp>
#include <agones/metrics.hpp>
#include <memory>
#include <random>
#include <string>

#include "engine/histogram.h"
#include "metrics/prometheus_text.h"
#include "metrics/stats_table.h"

namespace agones::plugin {
namespace {

// Here and not beside the table, which tests also compile with tomorrow's proc_stats.
#define AGONES_COUNT_ONE(field, counted_by, type, name, outcome, help) +1
static_assert(sizeof(proc_stats) ==
                  offsetof(proc_stats, pending) + (AGONES_STATS(AGONES_COUNT_ONE)) * sizeof(std::uint64_t),
              "a number of proc_stats has no row in metrics/stats_table.h");
#undef AGONES_COUNT_ONE

TEST(Histogram, EveryValueIsInTheBucketThatEndsAtOrAfterIt) {
  std::mt19937_64 random(3);
  const auto expect_in = [](std::uint64_t value) {
    const std::size_t bucket = Histogram::bucket_of(value);
    ASSERT_LT(bucket, Histogram::kBuckets);
    EXPECT_LE(value, upper_bound(bucket)) << value;
    if (bucket > 0) {
      EXPECT_GT(value, upper_bound(bucket - 1)) << value;
    }
  };
  for (std::uint64_t value = 0; value < 100'000; ++value) {
    expect_in(value);
  }
  for (int i = 0; i < 100'000; ++i) {
    expect_in(random() >> (random() % 64));
  }
  for (const std::uint64_t value : {999'999'999ULL, 1'000'000'000ULL, 1'000'000'001ULL, ~0ULL}) {
    expect_in(value);
  }
  EXPECT_EQ(upper_bound(Histogram::bucket_of(1'000'000'000)), 1'000'000'000U);
}

TEST(Histogram, BoundsHaveTwoSignificantDigits) {
  for (std::size_t bucket = 1; bucket < Histogram::kBuckets - 1; ++bucket) {
    std::uint64_t bound = upper_bound(bucket);
    while (bound % 10 == 0) {
      bound /= 10;
    }
    EXPECT_LE(bound, 100U) << bucket;
    EXPECT_GT(upper_bound(bucket), upper_bound(bucket - 1));
  }
}

TEST(Histogram, CountsSumsAndQuantiles) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) {
    histogram.record(value);
  }
  const auto read = std::make_unique<proc_histogram>();
  EXPECT_EQ(quantile(*read, 0.5), 0U);
  histogram.read(*read);
  EXPECT_EQ(read->count, 1000U);
  EXPECT_EQ(read->sum, 500'500U);
  EXPECT_EQ(quantile(*read, 0), 0U);
  EXPECT_EQ(quantile(*read, 0.05), 50U);
  EXPECT_EQ(quantile(*read, 0.5), 500U);
  EXPECT_EQ(quantile(*read, 0.991), 1000U);
  EXPECT_EQ(quantile(*read, 1), 1000U);
}

TEST(Metrics, OfSeveralClientsAddUp) {
  agones::Metrics sum;
  agones::Metrics one;
  one.stats().pending = 2;
  one.stats().log_lines_suppressed = 3;
  one.distributions().connections[PROC_CONNECTION_SERVING] = 1;
  one.distributions().queue_depth.buckets[PROC_HISTOGRAM_BUCKETS - 1] = 5;
  sum += one;
  sum += one;
  EXPECT_EQ(sum.stats().pending, 4U);
  EXPECT_EQ(sum.stats().log_lines_suppressed, 6U);
  EXPECT_EQ(sum.stats().struct_size, sizeof(proc_stats));
  EXPECT_EQ(sum.distributions().connections[PROC_CONNECTION_SERVING], 2U);
  EXPECT_EQ(sum.distributions().queue_depth.buckets[PROC_HISTOGRAM_BUCKETS - 1], 10U);
  EXPECT_EQ(sum.distributions().struct_size, sizeof(proc_metrics));
}

TEST(PrometheusText, BucketsAreCumulativeAndExactAtTheirBounds) {
  Histogram histogram;
  for (const std::uint64_t us : {100U, 101U, 2'500U, 2'501U, 70'000'000U}) {
    histogram.record(us);
  }
  const auto metrics = std::make_unique<proc_metrics>();
  histogram.read(metrics->answer_time_us);
  proc_stats stats{};
  stats.allocated = 7;
  metrics->rejected[8] = 3;
  const std::string text = prometheus_text(&stats, metrics.get(), "1.2.3");
  const auto expect_line = [&](const std::string& line) {
    EXPECT_NE(text.find("\nagones_processor_client_" + line + "\n"), std::string::npos) << line << "\n" << text;
  };
  expect_line("info{version=\"1.2.3\"} 1");
  expect_line("results_total{outcome=\"allocated\"} 7");
  expect_line("rejections_total{code=\"RESOURCE_EXHAUSTED\"} 3");
  expect_line("request_duration_seconds_bucket{le=\"0.0001\"} 1");
  expect_line("request_duration_seconds_bucket{le=\"0.00025\"} 2");
  expect_line("request_duration_seconds_bucket{le=\"0.0025\"} 3");
  expect_line("request_duration_seconds_bucket{le=\"0.005\"} 4");
  expect_line("request_duration_seconds_bucket{le=\"60\"} 4");
  expect_line("request_duration_seconds_bucket{le=\"+Inf\"} 5");
  expect_line("request_duration_seconds_sum 70.005202");
  expect_line("request_duration_seconds_count 5");
  EXPECT_EQ(prometheus_text(nullptr, nullptr, "1").find("results_total"), std::string::npos);
}

}  // namespace
}  // namespace agones::plugin
