// SPDX-License-Identifier: Apache-2.0
// What the host library calls of a plugin, when, and on which thread.
#include <agones/processor_swap.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/plugin.h"
#include "support/process.h"
#include "support/temporary_folder.h"
#include "swap/swap_host.h"

namespace {

using Hearer = std::function<void(std::string_view function, std::uint32_t max_time_us)>;

std::mutex& hearer_mutex() {
  static std::mutex mutex;
  return mutex;
}

Hearer& hearer() {
  static Hearer function;
  return function;
}

void hear(Hearer function) {
  const std::lock_guard<std::mutex> lock(hearer_mutex());
  hearer() = std::move(function);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void echo_called(const char* function, std::uint32_t max_time_us) {
  Hearer told;
  {
    const std::lock_guard<std::mutex> lock(hearer_mutex());
    told = hearer();
  }
  if (told) {
    told(function, max_time_us);
  }
}

namespace agones::test {
namespace {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr const char* kMapped = "memfd:libecho_plugin";

proc_client* make_client(const std::function<void(proc_config&)>& adjust = {}) {
  const LibraryApi& api = host_library();
  proc_config config;
  EXPECT_EQ(api.config_init(PROC_ABI_VERSION, &config, sizeof(config), nullptr, 0), PROC_OK);
  config.processor_address = text("nobody:1");
  config.plugin_file = text(AGONES_ECHO_PLUGIN);
  config.on_event = [](void*, const proc_event*) {};
  if (adjust) {
    adjust(config);
  }
  proc_client* client = nullptr;
  char error[256] = "";
  EXPECT_EQ(api.init(&config, &client, error, sizeof(error)), PROC_OK) << error;
  return client;
}

void end(proc_client* client) {
  char error[256] = "";
  EXPECT_EQ(host_library().shutdown(client, 0, error, sizeof(error)), PROC_OK) << error;
  EXPECT_EQ(host_library().destroy(client, error, sizeof(error)), PROC_OK) << error;
}

TEST(Unload, AClientThatComesAsTheLastOneGoesHasAPluginOfItsOwn) {
  proc_client* last = make_client();
  const std::size_t mappings = mapping_count(kMapped);
  proc_client* next = nullptr;
  hear([&](std::string_view function, std::uint32_t) {
    if (function == "get_unload_state" && next == nullptr) {
      std::thread([&] { next = make_client(); }).join();
    }
  });
  end(last);
  hear({});
  ASSERT_NE(next, nullptr) << "the plugin was not asked";
  ASSERT_EQ(mapping_count(kMapped), mappings) << "it was given the plugin that has gone now";
  std::uint32_t delivered = 0;
  EXPECT_EQ(host_library().poll(next, 0, 0, 0, &delivered, nullptr, nullptr, 0), PROC_OK);
  end(next);
  EXPECT_EQ(mapping_count(kMapped), 0U);
}

TEST(Unload, ThreadsThatMakeAndEndClientsOfOneFileDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) {
        end(make_client());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(mapping_count(kMapped), 0U);
}

std::string plugin_version(proc_client* client) {
  char version[32] = "";
  EXPECT_EQ(host_library().get_plugin_version(client, version, sizeof(version), nullptr, 0), PROC_OK);
  return version;
}

// With the size and the time that it had, as a careful copy keeps them.
TEST(SharedPlugin, AFileThatIsWrittenAnewInPlaceIsAnotherOne) {
  const TemporaryFolder folder;
  const std::string path = folder.file("echo.so");
  fs::copy_file(AGONES_ECHO_PLUGIN, path);
  const auto from_path = [&](proc_config& config) { config.plugin_file = text(path); };
  proc_client* first = make_client(from_path);
  proc_client* same = make_client(from_path);
  const std::size_t mappings = mapping_count("memfd:echo.so");
  std::string bytes = read_file(path);
  constexpr std::string_view kVersion("0.0.0", 6);
  const std::size_t version = bytes.find(kVersion);
  ASSERT_NE(version, std::string::npos);
  bytes.replace(version, kVersion.size(), std::string_view("9.9.9", 6));
  const auto time = fs::last_write_time(path);
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  fs::last_write_time(path, time);
  proc_client* next = make_client(from_path);
  EXPECT_EQ(plugin_version(first), "0.0.0");
  EXPECT_EQ(plugin_version(same), "0.0.0");
  EXPECT_EQ(plugin_version(next), "9.9.9");
  EXPECT_EQ(mapping_count("memfd:echo.so"), 2 * mappings);
  end(first);
  end(same);
  end(next);
}

// A game loop gives its poll 2 ms, whatever a swap has to do meanwhile.
TEST(SwapStep, KeepsToThePollsLimitsAndClosesThePluginElsewhere) {
  constexpr std::uint32_t kMaxTime = 2000;
  constexpr std::size_t kRequests = 20;
  const LibraryApi& api = host_library();
  const TemporaryFolder folder;
  const std::string copied = folder.file("echo.so");
  fs::copy_file(AGONES_ECHO_PLUGIN, copied);
  std::size_t events = 0;
  proc_client* client = make_client([&](proc_config& config) {
    config.swap_drain_timeout_ms = 50;
    config.event_context = &events;
    config.on_event = [](void* self, const proc_event*) { ++*static_cast<std::size_t*>(self); };
  });
  for (std::size_t i = 0; i < kRequests; ++i) {
    proc_request request = json_request("keep");
    ASSERT_EQ(api.allocate_request(client, &request, nullptr, nullptr, 0), PROC_OK);
  }
  std::mutex mutex;
  std::set<std::thread::id> shut_down_on;
  std::set<std::uint32_t> times;
  hear([&](std::string_view function, std::uint32_t max_time_us) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (function == "shutdown") {
      shut_down_on.insert(std::this_thread::get_id());
    } else if (function != "get_unload_state") {
      times.insert(max_time_us);
    }
  });
  ASSERT_EQ(api.swap(client, copied.c_str(), nullptr, nullptr, 0), PROC_OK);
  proc_swap_report report{};
  report.struct_size = sizeof(report);
  EXPECT_TRUE(wait_until([&] {
    const std::size_t before = events;
    EXPECT_EQ(api.poll(client, 1, kMaxTime, 0, nullptr, nullptr, nullptr, 0), PROC_OK);
    EXPECT_LE(events, before + 1);
    api.get_swap_report(client, &report, nullptr, 0);
    return report.state != PROC_SWAP_RUNNING;
  }));
  hear({});
  EXPECT_EQ(report.state, PROC_SWAP_DONE) << report.error;
  EXPECT_EQ(events, kRequests) << "what the old plugin had left";
  EXPECT_EQ(shut_down_on.size(), 1U);
  EXPECT_EQ(shut_down_on.count(std::this_thread::get_id()), 0U);
  EXPECT_EQ(times.count(0), 0U) << "0: no limit";
  EXPECT_LE(*times.rbegin(), kMaxTime);
  end(client);
}

}  // namespace
}  // namespace agones::test
