// SPDX-License-Identifier: Apache-2.0
// The moment in which the last client of a plugin goes, and another one of the same file comes.
#include <agones/processor_swap.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/plugin.h"
#include "support/process.h"
#include "swap/swap_host.h"

namespace {

// What the plugin does before it says whether it may be unloaded; called once.
std::function<void()>& before_unload() {
  static std::function<void()> function;
  return function;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void echo_before_unload(void) {
  if (const auto function = std::exchange(before_unload(), nullptr)) {
    function();
  }
}

namespace agones::test {
namespace {

constexpr const char* kMapped = "memfd:libecho_plugin";

proc_client* make_client() {
  const LibraryApi& api = host_library();
  proc_config config;
  EXPECT_EQ(api.config_init(PROC_ABI_VERSION, &config, sizeof(config), nullptr, 0), PROC_OK);
  config.processor_address = text("nobody:1");
  config.plugin_file = text(AGONES_ECHO_PLUGIN);
  config.on_event = [](void*, const proc_event*) {};
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
  before_unload() = [&] { std::thread([&] { next = make_client(); }).join(); };
  end(last);
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

}  // namespace
}  // namespace agones::test
