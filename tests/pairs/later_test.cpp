// SPDX-License-Identifier: Apache-2.0
// A later host and a later plugin with today's host library between them: what it does not know it passes on whole.
#include <agones/processor_swap.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>

#include "pairs/later_structs.h"
#include "support/plugin.h"
#include "swap/swap_host.h"

namespace agones::test {
namespace {

constexpr std::uint64_t kOfConfig = 0x1000;

class Later : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    char error[256] = "";
    ASSERT_EQ(api_.config_init(PROC_ABI_VERSION, &config_.known, sizeof(config_), error, sizeof(error)), PROC_OK);
    EXPECT_EQ(config_.known.struct_size, sizeof(config_));
    EXPECT_EQ(config_.later, 0U) << "0 is the default of what is added later";
    config_.later = kOfConfig;
    config_.known.processor_address = text("nobody:1");
    config_.known.plugin_file = text(kEcho);
    config_.known.log_context = this;
    config_.known.on_log = [](void* self, const proc_log* log) {
      EXPECT_EQ(log->struct_size, sizeof(later_log));
      static_cast<Later*>(self)->of_log_ = reinterpret_cast<const later_log*>(log)->later;
    };
    if (with_callback()) {
      config_.known.event_context = this;
      config_.known.on_event = [](void* self, const proc_event* event) { static_cast<Later*>(self)->add(*event); };
    }
    ASSERT_EQ(api_.init(&config_.known, &client_, error, sizeof(error)), PROC_OK) << error;
  }

  void TearDown() override {
    EXPECT_EQ(api_.shutdown(client_, 0, nullptr, 0), PROC_OK);
    EXPECT_EQ(api_.destroy(client_, nullptr, 0), PROC_OK);
  }

  bool with_callback() const { return GetParam(); }

  void add(const proc_event& event) {
    ASSERT_EQ(event.struct_size, sizeof(later_event));
    of_events_[event.token] = reinterpret_cast<const later_event*>(&event)->later;
  }

  std::uint64_t allocate(std::string_view body, std::uint64_t token, std::uint64_t later) {
    later_request request{};
    request.known.struct_size = sizeof(request);
    request.known.body = {body.data(), body.size()};
    request.known.token = token;
    request.later = later;
    std::uint64_t id = 0;
    EXPECT_EQ(api_.allocate_request(client_, &request.known, &id, nullptr, 0), PROC_OK);
    return id;
  }

  void poll() {
    if (with_callback()) {
      ASSERT_EQ(api_.poll(client_, 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_OK);
      return;
    }
    later_event events[4];
    std::uint32_t count = 0;
    ASSERT_EQ(api_.poll_events(client_, &events[0].known, sizeof(later_event), 4, 0, 0, &count, nullptr, nullptr, 0),
              PROC_OK);
    for (std::uint32_t i = 0; i < count; ++i) {
      add(events[i].known);
    }
  }

  std::uint64_t of_metrics() const {
    const auto metrics = std::make_unique<later_metrics>();
    metrics->known.struct_size = sizeof(*metrics);
    EXPECT_EQ(api_.get_metrics(client_, &metrics->known, nullptr, 0), PROC_OK);
    return metrics->later;
  }

  std::uint64_t of_stats() const {
    later_stats stats{};
    stats.known.struct_size = sizeof(stats);
    EXPECT_EQ(api_.get_stats(client_, &stats.known, nullptr, 0), PROC_OK);
    return stats.later;
  }

  static constexpr const char* kEcho = AGONES_ECHO_PLUGIN;
  const LibraryApi& api_ = host_library();
  later_config config_{};
  proc_client* client_ = nullptr;
  std::uint64_t of_log_ = 0;
  std::map<std::uint64_t, std::uint64_t> of_events_;
};

TEST_P(Later, EveryStructIsPassedOnWhole) {
  allocate("r", 1, 0x11);
  poll();
  EXPECT_EQ(of_events_, (std::map<std::uint64_t, std::uint64_t>{{1, kOfConfig + 0x11}}));
  EXPECT_EQ(of_stats(), 1U);
  EXPECT_EQ(of_metrics(), 1U);
  if (with_callback()) {
    EXPECT_EQ(of_log_, kOfConfig);
  }
}

TEST_P(Later, OverASwapToo) {
  const std::uint64_t first_id = allocate("hold", 1, 0x11);
  allocate("r", 2, 0x22);
  poll();
  // To the same file: the config is the kept one.
  ASSERT_EQ(api_.swap(client_, kEcho, nullptr, nullptr, 0), PROC_OK);
  proc_swap_report report{};
  report.struct_size = sizeof(report);
  EXPECT_TRUE(wait_until([&] {
    poll();
    api_.get_swap_report(client_, &report, nullptr, 0);
    return report.state != PROC_SWAP_RUNNING;
  }));
  EXPECT_EQ(report.state, PROC_SWAP_DONE) << report.error;
  EXPECT_EQ(report.moved, 1U);
  poll();
  EXPECT_EQ(of_events_, (std::map<std::uint64_t, std::uint64_t>{{1, kOfConfig + 0x11}, {2, kOfConfig + 0x22}}));
  EXPECT_EQ(of_stats(), 2U) << "of both plugins";
  EXPECT_EQ(of_metrics(), 2U) << "of both plugins";
  EXPECT_GT(allocate("r", 3, 0), first_id + 1) << "its ids begin behind the old one's";
}

// What of the host's the library does not know is 0.
TEST_P(Later, TheReportOfASwapIsFilled) {
  struct {
    proc_swap_report known;
    unsigned char later[99];
  } report;
  std::memset(&report, 0xaa, sizeof(report));
  report.known.struct_size = sizeof(report);
  ASSERT_EQ(api_.get_swap_report(client_, &report.known, nullptr, 0), PROC_OK);
  EXPECT_EQ(report.known.struct_size, sizeof(report));
  EXPECT_EQ(report.known.state, PROC_SWAP_NONE);
  EXPECT_EQ(report.known.reserved, 0);
  EXPECT_TRUE(std::all_of(std::begin(report.known.error), std::end(report.known.error), [](char c) { return c == 0; }));
  EXPECT_TRUE(std::all_of(std::begin(report.later), std::end(report.later), [](auto byte) { return byte == 0; }));
}

INSTANTIATE_TEST_SUITE_P(With, Later, testing::Values(true, false),
                         [](const auto& callback) { return callback.param ? "Callback" : "Array"; });

}  // namespace
}  // namespace agones::test
