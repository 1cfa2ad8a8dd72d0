// SPDX-License-Identifier: Apache-2.0
// A host whose header is newer than the library: what the library does not know of a struct that it fills is 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

// As many bytes as no library will know, at a size that is no multiple of anything.
template <typename Struct>
struct Newer {
  Newer() {
    std::memset(static_cast<void*>(this), 0xaa, sizeof(*this));
    known.struct_size = size();
  }
  static std::uint32_t size() { return static_cast<std::uint32_t>(sizeof(Struct) + kLater); }
  bool rest_is_zero() const {
    return std::all_of(later.begin(), later.begin() + kLater, [](unsigned char byte) { return byte == 0; });
  }
  bool nothing_else_was_written() const {
    return std::all_of(later.begin() + kLater, later.end(), [](unsigned char byte) { return byte == 0xaa; });
  }

  static constexpr std::size_t kLater = 70'001;
  Struct known;
  std::array<unsigned char, kLater + 7> later;
};

template <typename Struct>
void expect_filled(const Newer<Struct>& newer) {
  EXPECT_TRUE(newer.rest_is_zero());
  EXPECT_TRUE(newer.nothing_else_was_written());
}

TEST(NewerHost, TheConfigIsFilled) {
  const auto config = std::make_unique<Newer<proc_config>>();
  ASSERT_EQ(plugin().config_init(PROC_ABI_VERSION, &config->known, config->size(), nullptr, 0), PROC_OK);
  EXPECT_EQ(config->known.struct_size, config->size());
  expect_filled(*config);
}

TEST(NewerHost, StatsAndMetricsAreFilled) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  const auto stats = std::make_unique<Newer<proc_stats>>();
  ASSERT_EQ(plugin().get_stats(client.handle(), &stats->known, nullptr, 0), PROC_OK);
  EXPECT_EQ(stats->known.struct_size, stats->size());
  EXPECT_EQ(stats->known.reserved, 0U);
  EXPECT_EQ(stats->known.allocated, 1U);
  expect_filled(*stats);
  const auto metrics = std::make_unique<Newer<proc_metrics>>();
  ASSERT_EQ(plugin().get_metrics(client.handle(), &metrics->known, nullptr, 0), PROC_OK);
  EXPECT_EQ(metrics->known.struct_size, metrics->size());
  EXPECT_EQ(metrics->known.reserved, 0U);
  EXPECT_EQ(metrics->known.answer_time_us.count, 1U);
  expect_filled(*metrics);
}

TEST(NewerHost, AnArrayOfEventsIsFilled) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  const auto event = std::make_unique<Newer<proc_event>>();
  std::uint32_t count = 0;
  ASSERT_EQ(plugin().poll_events(client.handle(), &event->known, event->size(), 1, 0, kPatienceMs, &count, nullptr,
                                 nullptr, 0),
            PROC_OK);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(event->known.struct_size, sizeof(proc_event)) << "as much as the library knows";
  expect_filled(*event);
}

}  // namespace
}  // namespace agones::test
