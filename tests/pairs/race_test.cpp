// SPDX-License-Identifier: Apache-2.0
// Every function of the host library at once, from many threads, while plugins come and go. The plugin is plain C, so
// that ThreadSanitizer sees the host library alone.
#include <agones/processor_swap.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "support/plugin.h"
#include "support/temporary_folder.h"
#include "swap/swap_host.h"

namespace agones::test {
namespace {

constexpr std::size_t kSubmitters = 8;
constexpr int kSwaps = 200;
constexpr std::size_t kMostRequests = 1'000'000;

TEST(Race, OfSubmittersAPollerAndSwapsEveryRequestEndsOnce) {
  const LibraryApi& api = host_library();
  const std::string plugin = AGONES_ECHO_PLUGIN;
  // Another file, so that each swap loads one plugin and unloads the other.
  const TemporaryFolder folder;
  const std::string copied = folder.file("echo.so");
  std::filesystem::copy_file(plugin, copied);
  std::vector<char> ended(kMostRequests);
  std::size_t ends = 0;
  struct Books {
    std::vector<char>& ended;
    std::size_t& ends;
  } books{ended, ends};
  proc_config config;
  ASSERT_EQ(api.config_init(PROC_ABI_VERSION, &config, sizeof(config), nullptr, 0), PROC_OK);
  config.processor_address = text("nobody:1");
  config.plugin_file = text(plugin);
  config.event_context = &books;
  config.on_event = [](void* self, const proc_event* event) {
    auto& kept = *static_cast<Books*>(self);
    EXPECT_EQ(kept.ended[event->token], 0) << "twice";
    kept.ended[event->token] = 1;
    ++kept.ends;
  };
  proc_client* client = nullptr;
  char error[256] = "";
  ASSERT_EQ(api.init(&config, &client, error, sizeof(error)), PROC_OK) << error;

  std::atomic<std::uint64_t> next_token{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kSubmitters; ++thread) {
    threads.emplace_back([&, thread] {
      while (!stop.load()) {
        proc_request request{};
        request.struct_size = sizeof(request);
        request.token = next_token.fetch_add(1);
        const std::string_view body = request.token % 2 == 0 ? "hold" : "r";
        request.body = {body.data(), body.size()};
        std::uint64_t id = 0;
        const proc_status status = api.allocate_request(client, &request, &id, nullptr, 0);
        accepted += status == PROC_OK ? 1 : 0;
        EXPECT_TRUE(status == PROC_OK || status == PROC_ERR_QUEUE_FULL) << status;
        proc_stats stats{};
        stats.struct_size = sizeof(stats);
        proc_swap_report report{};
        report.struct_size = sizeof(report);
        proc_connection_state state = 0;
        char version[32] = "";
        switch (thread) {
          case 0:
            EXPECT_EQ(api.get_stats(client, &stats, nullptr, 0), PROC_OK);
            break;
          case 1:
            EXPECT_EQ(api.cancel(client, id, nullptr, 0), PROC_OK);
            break;
          case 2:
            EXPECT_EQ(api.get_connection(client, &state, nullptr, 0, nullptr, 0), PROC_OK);
            break;
          case 3:
            EXPECT_EQ(api.wake(client, nullptr, 0), PROC_OK);
            break;
          case 4:
            EXPECT_EQ(api.get_swap_report(client, &report, nullptr, 0), PROC_OK);
            EXPECT_EQ(api.get_plugin_version(client, version, sizeof(version), nullptr, 0), PROC_OK);
            break;
          default:
            break;
        }
        // What is held waits for the next swap: no more than the plugin has room for.
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
  }
  const auto poll_until = [&](const auto& condition) {
    return wait_until([&] {
      EXPECT_EQ(api.poll(client, 0, 0, 1, nullptr, nullptr, nullptr, 0), PROC_OK);
      return condition();
    });
  };
  proc_swap_report report{};
  report.struct_size = sizeof(report);
  std::uint64_t moved = 0;
  for (int i = 0; i < kSwaps; ++i) {
    ASSERT_EQ(api.swap(client, (i % 2 == 0 ? copied : plugin).c_str(), nullptr, nullptr, 0), PROC_OK);
    EXPECT_TRUE(poll_until([&] {
      api.get_swap_report(client, &report, nullptr, 0);
      return report.state != PROC_SWAP_RUNNING;
    }));
    EXPECT_EQ(report.state, PROC_SWAP_DONE) << report.error;
    EXPECT_EQ(report.unloaded, 1) << report.error;
    moved += report.moved;
  }
  stop.store(true);
  for (std::thread& thread : threads) {
    thread.join();
  }
  // What is held moves with a last one.
  ASSERT_EQ(api.swap(client, copied.c_str(), nullptr, nullptr, 0), PROC_OK);
  EXPECT_TRUE(poll_until([&] { return ends == accepted.load(); })) << ends << " of " << accepted.load();
  EXPECT_GT(moved, 0U);
  EXPECT_EQ(api.shutdown(client, 0, error, sizeof(error)), PROC_OK) << error;
  EXPECT_EQ(api.destroy(client, nullptr, 0), PROC_OK);
}

}  // namespace
}  // namespace agones::test
