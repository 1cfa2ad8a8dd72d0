// SPDX-License-Identifier: Apache-2.0
// A client's handle outlives its client: calls that come late, or from a thread that did not know, are told so.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using Call = proc_status (*)(proc_client*, char*, std::uint64_t);

// Every function that takes a client, with arguments that are right.
const std::vector<std::pair<const char*, Call>>& calls() {
  static const std::vector<std::pair<const char*, Call>> all{
      {"allocate",
       [](proc_client* client, char* error, std::uint64_t size) {
         return plugin().allocate(client, PROC_FORMAT_JSON, kAnyGameServer.data(), kAnyGameServer.size(), 1, 0, nullptr,
                                  error, size);
       }},
      {"allocate_request",
       [](proc_client* client, char* error, std::uint64_t size) {
         const proc_request request = json_request();
         return plugin().allocate_request(client, &request, nullptr, error, size);
       }},
      {"cancel",
       [](proc_client* client, char* error, std::uint64_t size) { return plugin().cancel(client, 1, error, size); }},
      {"poll", [](proc_client* client, char* error,
                  std::uint64_t size) { return plugin().poll(client, 0, 0, 0, nullptr, nullptr, error, size); }},
      {"poll_json",
       [](proc_client* client, char* error, std::uint64_t size) {
         return plugin().poll_json(
             client, [](void*, const char*, std::uint64_t) {}, nullptr, 0, 0, 0, nullptr, nullptr, error, size);
       }},
      {"poll_events",
       [](proc_client* client, char* error, std::uint64_t size) {
         proc_event event{};
         std::uint32_t count = 0;
         return plugin().poll_events(client, &event, sizeof(event), 1, 0, 0, &count, nullptr, error, size);
       }},
      {"wake", [](proc_client* client, char* error, std::uint64_t size) { return plugin().wake(client, error, size); }},
      {"get_wakeup_fd",
       [](proc_client* client, char* error, std::uint64_t size) {
         std::int32_t fd = 0;
         return plugin().get_wakeup_fd(client, &fd, error, size);
       }},
      {"drain", [](proc_client* client, char* error,
                   std::uint64_t size) { return plugin().drain(client, PROC_DRAIN_FINISH, error, size); }},
      {"hand_over",
       [](proc_client* client, char* error, std::uint64_t size) {
         return plugin().hand_over(
             client, [](void*, const proc_moved_request*) { return 1; }, nullptr, 0, nullptr, nullptr, error, size);
       }},
      {"take_over",
       [](proc_client* client, char* error, std::uint64_t size) {
         proc_moved_request request{};
         request.struct_size = sizeof(request);
         request.body = {"\x0a\x01n", 3};
         return plugin().take_over(client, &request, error, size);
       }},
      {"shutdown", [](proc_client* client, char* error,
                      std::uint64_t size) { return plugin().shutdown(client, 1'000, error, size); }},
      {"destroy",
       [](proc_client* client, char* error, std::uint64_t size) { return plugin().destroy(client, error, size); }},
      {"get_stats",
       [](proc_client* client, char* error, std::uint64_t size) {
         proc_stats stats{};
         stats.struct_size = sizeof(stats);
         return plugin().get_stats(client, &stats, error, size);
       }},
      {"get_metrics",
       [](proc_client* client, char* error, std::uint64_t size) {
         const auto metrics = std::make_unique<proc_metrics>();
         metrics->struct_size = sizeof(*metrics);
         return plugin().get_metrics(client, metrics.get(), error, size);
       }},
      {"get_connection",
       [](proc_client* client, char* error, std::uint64_t size) {
         proc_connection_state state = 0;
         return plugin().get_connection(client, &state, nullptr, 0, error, size);
       }},
  };
  return all;
}

void expect_each(proc_client* client, proc_status status, const std::string& text) {
  for (const auto& [name, call] : calls()) {
    char error[128] = "";
    EXPECT_EQ(call(client, error, sizeof(error)), status) << name;
    EXPECT_EQ(error, text) << name;
  }
}

proc_client* make_client(std::string_view address, const Api& api = plugin()) {
  const proc_config config = plaintext_config(address, api);
  proc_client* client = nullptr;
  char error[256] = "";
  EXPECT_EQ(api.init(&config, &client, error, sizeof(error)), PROC_OK) << error;
  return client;
}

void end(proc_client* client, const Api& api = plugin()) {
  EXPECT_EQ(api.shutdown(client, 60'000, nullptr, 0), PROC_OK);
  EXPECT_EQ(api.destroy(client, nullptr, 0), PROC_OK);
}

TEST(Handle, EveryFunctionRefusesAClientThatWasDestroyed) {
  proc_client* const client = make_client("127.0.0.1:1");
  end(client);
  expect_each(client, PROC_ERR_SHUT_DOWN, "client: it was destroyed");
  proc_client* const next = make_client("127.0.0.1:1");
  EXPECT_NE(next, client);
  expect_each(client, PROC_ERR_SHUT_DOWN, "client: it was destroyed");
  end(next);
}

TEST(Handle, EveryFunctionRefusesWhatIsNoClientOfItsLibrary) {
  proc_client* const client = make_client("127.0.0.1:1");
  const int local = 0;
  for (const auto wrong : {std::uintptr_t{8}, ~std::uintptr_t{0}, reinterpret_cast<std::uintptr_t>(&local),
                           reinterpret_cast<std::uintptr_t>(client) + 16}) {
    SCOPED_TRACE(wrong);
    expect_each(reinterpret_cast<proc_client*>(wrong), PROC_ERR_INVALID_ARGUMENT, "client: not one of this library's");
  }
#ifndef __SANITIZE_ADDRESS__  // to which the memory of an unloaded plugin's gRPC is lost
  // The same library when the tests run on the host library.
  const Api& other = plugin_through_host_library();
  if (other.init != plugin().init) {
    proc_client* const of_other = make_client("127.0.0.1:1", other);
    expect_each(of_other, PROC_ERR_INVALID_ARGUMENT, "client: not one of this library's");
    end(of_other, other);
  }
#endif
  end(client);
}

// What a garbage collector, or a thread that was not told, may do. Any of it may be refused; none of it may crash.
TEST(Handle, CallsGoOnWhileTheClientIsShutDownAndDestroyed) {
  local::LocalProcessor processor(quick_options(), fleet_of(10'000));
  const std::string address = processor.address();
  for (int round = 0; round < 5; ++round) {
    proc_client* const client = make_client(address);
    std::atomic<bool> stray{false};
    std::vector<std::thread> threads;
    for (const auto& [name, call] : calls()) {
      // One thread ends it.
      if (name != std::string_view("shutdown") && name != std::string_view("destroy")) {
        threads.emplace_back([&, function = call] {
          char error[128] = "";
          while (function(client, error, sizeof(error)) != PROC_ERR_SHUT_DOWN ||
                 error != std::string_view("client: it was destroyed")) {
            if (stray) {
              break;
            }
          }
        });
      }
    }
    const auto repeated = [&](const std::function<proc_status()>& call) {
      return wait_until([&] {
        const proc_status status = call();
        EXPECT_TRUE(status == PROC_OK || status == PROC_ERR_BUSY || status == PROC_ERR_TIMEOUT) << status;
        return status == PROC_OK;
      });
    };
    EXPECT_TRUE(repeated([&] { return plugin().shutdown(client, 1'000, nullptr, 0); }));
    EXPECT_TRUE(repeated([&] { return plugin().destroy(client, nullptr, 0); }));
    stray = testing::Test::HasFailure();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
}

TEST(Handle, TwoThreadsDestroyOneClientOnce) {
  for (int round = 0; round < 20; ++round) {
    proc_client* const client = make_client("127.0.0.1:1");
    EXPECT_EQ(plugin().shutdown(client, 60'000, nullptr, 0), PROC_OK);
    std::atomic<int> destroyed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        proc_status status = PROC_ERR_BUSY;
        while (status == PROC_ERR_BUSY) {
          status = plugin().destroy(client, nullptr, 0);
        }
        destroyed += status == PROC_OK ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(destroyed, 1);
  }
}

}  // namespace
}  // namespace agones::test
