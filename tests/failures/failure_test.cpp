// SPDX-License-Identifier: Apache-2.0
// Whatever fails, and whenever: every request that was accepted ends once, shutdown and destroy work, the host goes on.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "failures/injection.h"
#include "support/plugin.h"
#include "support/processor.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using local::LocalProcessor;

struct Session {
  proc_client* client = nullptr;
  std::map<std::uint64_t, int> ended;
};

void count_event(void* self, const proc_event* event) {
  if (event->type == PROC_EVENT_RESULT) {
    // In the test's own memory: only the plugin's fails.
    ++static_cast<Session*>(self)->ended[event->request_id];
  }
}

// A life with a stream that is lost, an answer, a refusal, a cancel and a timeout in it. False if it could not begin.
bool live(LocalProcessor& processor, const std::string& address) {
  Session session;
  proc_config config = plaintext_config(address);
  config.on_event = count_event;
  config.event_context = &session;
  config.reconnect_initial_ms = 1;
  config.reconnect_max_ms = 5;
  config.allocation_timeout_ms = 20'000;
  config.log_level = PROC_SEVERITY_INFO;
  char error[512] = "";
  const proc_status begun = plugin().init(&config, &session.client, error, sizeof(error));
  if (begun != PROC_OK) {
    EXPECT_TRUE(begun == PROC_ERR_NO_MEMORY || begun == PROC_ERR_NO_RESOURCES) << begun << error;
    EXPECT_STRNE(error, "");
    return false;
  }
  std::size_t accepted = 0;
  const auto submit = [&](std::string_view body, std::uint32_t timeout_ms, bool cancel) {
    proc_request request = json_request(body);
    request.timeout_ms = timeout_ms;
    std::uint64_t id = 0;
    const proc_status status = plugin().allocate_request(session.client, &request, &id, error, sizeof(error));
    EXPECT_TRUE(status == PROC_OK || status == PROC_ERR_NO_MEMORY) << status << error;
    accepted += status == PROC_OK ? 1 : 0;
    if (status == PROC_OK && cancel) {
      plugin().cancel(session.client, id, nullptr, 0);
    }
  };
  const auto finish = [&] {
    return wait_until([&] {
      plugin().poll(session.client, 0, 0, 5, nullptr, nullptr, nullptr, 0);
      return session.ended.size() == accepted;
    });
  };
  local::Faults losing;
  losing.drop_before_answer = 1;
  processor.set_faults(losing);
  submit(kAnyGameServer, 0, false);
  EXPECT_TRUE(finish());
  processor.set_faults({});
  submit(kAnyGameServer, 0, false);
  submit(R"({"namespace":"nowhere","metadata":{"labels":{"a":"b","c":"d"}}})", 0, false);
  submit(kAnyGameServer, 0, true);
  submit(kAnyGameServer, 1, false);
  EXPECT_TRUE(finish());
  const auto ended = wait_until([&] {
    const proc_status status = plugin().shutdown(session.client, 0, error, sizeof(error));
    return status != PROC_ERR_TIMEOUT && status != PROC_ERR_NO_MEMORY;
  });
  EXPECT_TRUE(ended) << error;
  EXPECT_EQ(plugin().destroy(session.client, nullptr, 0), PROC_OK);
  EXPECT_EQ(session.ended.size(), accepted);
  for (const auto& [id, times] : session.ended) {
    EXPECT_EQ(times, 1) << id;
  }
  return true;
}

class Failure : public testing::Test {
 protected:
  void SetUp() override {
    auto options = quick_options();
    options.pull_interval = std::chrono::milliseconds(2);
    processor_ = std::make_unique<LocalProcessor>(options, fleet_of(1'000'000));
    plugin();
    watch_plugin(plugin_path());
    live(*processor_, processor_->address());
  }

  // Once for every n until a life has fewer than n requests of that kind. Of several in a row, so that they overlap.
  void try_every(Resource resource, std::size_t count) {
    const std::size_t step = count == 1 ? 1 : count / 2;
    const char* from = std::getenv("AGONES_FAIL_FROM");  // to look at one of them
    std::size_t n = from != nullptr ? std::stoul(from) : 1;
    for (; n < 20'000 && !HasFailure(); n += step) {
      SCOPED_TRACE("from number " + std::to_string(n) + " on, " + std::to_string(count) + " of them");
      fail(resource, n, count);
      live(*processor_, processor_->address());
      const bool failed = stop_failing();
      if (HasFailure()) {
        std::printf("%s", last_refused().c_str());
      }
      if (!failed) {
        break;
      }
      char reason[256] = "";
      EXPECT_TRUE(wait_until([&] { return plugin().get_unload_state(reason, sizeof(reason)) == PROC_UNLOAD_SAFE; }))
          << reason;
    }
    std::printf("%zu times\n", n - 1);
    EXPECT_GT(n, 5U) << "nothing failed";
    EXPECT_TRUE(live(*processor_, processor_->address())) << "it works again";
  }

  std::unique_ptr<LocalProcessor> processor_;
};

TEST_F(Failure, OfOneAllocation) {
  try_every(Resource::kMemory, 1);
}

TEST_F(Failure, OfManyAllocationsInARow) {
  try_every(Resource::kMemory, 10);
}

TEST_F(Failure, OfOneThread) {
  try_every(Resource::kThread, 1);
}

TEST_F(Failure, OfOneDescriptor) {
  try_every(Resource::kDescriptor, 1);
}

// proc_init on a thread of its own, so that one that never returns is a failure and no hang. Its n-th mapping fails.
Refusal init_in_time(const Api& api, std::size_t n, proc_client** client) {
  struct Outcome {
    std::promise<proc_status> status;
    char error[512] = "";
  };
  auto outcome = std::make_shared<Outcome>();
  std::future<proc_status> status = outcome->status.get_future();
  std::thread([outcome, &api, n, client] {
    const proc_config config = plaintext_config("127.0.0.1:1", api);
    fail(Resource::kMapping, n, 1);
    outcome->status.set_value(api.init(&config, client, outcome->error, sizeof(outcome->error)));
  }).detach();
  if (status.wait_for(kPatience) != std::future_status::ready) {
    std::fprintf(stderr, "proc_init does not return\n");
    std::_Exit(1);
  }
  return {status.get(), outcome->error};
}

// Of a library that never had a client: each time of a copy of its own.
TEST(FirstClient, IsRefusedWhateverMappingCantBeHad) {
  const TemporaryFolder folder;
  const std::string path = folder.file("first-client.so");
  bool failed = true;
  std::size_t n = 1;
  for (; failed && n < 100; ++n) {
    SCOPED_TRACE("mapping number " + std::to_string(n));
    std::filesystem::copy_file(plugin_path(), path, std::filesystem::copy_options::overwrite_existing);
    RawLibrary library(path);
    const Api& api = library.api();
    watch_plugin(path);
    proc_client* client = nullptr;
    const Refusal begun = init_in_time(api, n, &client);
    failed = stop_failing();
    if (failed) {
      EXPECT_EQ(begun.status, PROC_ERR_NO_MEMORY) << begun.error;
      EXPECT_NE(begun.error, "");
      EXPECT_EQ(client, nullptr);
    } else {
      EXPECT_EQ(begun.status, PROC_OK) << begun.error;
      EXPECT_EQ(api.shutdown(client, 0, nullptr, 0), PROC_OK);
      EXPECT_EQ(api.destroy(client, nullptr, 0), PROC_OK);
    }
    char reason[256] = "";
    EXPECT_TRUE(wait_until([&] { return api.get_unload_state(reason, sizeof(reason)) == PROC_UNLOAD_SAFE; })) << reason;
    std::filesystem::remove(path);
  }
  EXPECT_GT(n, 4U) << "the pages of two fork guards are marked, at least";
}

// ---- Callbacks that throw while there is no memory --------------------------------------------------------

class Thrower : public testing::Test {
 protected:
  void SetUp() override {
    plugin();
    watch_plugin(plugin_path());
  }
  void TearDown() override { stop_failing(); }

  static constexpr std::size_t kAllThatFollow = 1U << 30U;

  // What a callback does that may not: nothing of the plugin's gets memory from here on.
  static void throw_without_memory() {
    fail(Resource::kMemory, 1, kAllThatFollow);
    throw 1;
  }
  static void throw_at_result(void* count, const proc_event* event) {
    if (event->type == PROC_EVENT_RESULT) {
      ++*static_cast<int*>(count);
      throw_without_memory();
    }
  }
  static void throw_at_json_result(void* count, const char* json, std::uint64_t /*size*/) {
    if (std::strncmp(json, R"({"type":"RESULT")", 16) == 0) {
      ++*static_cast<int*>(count);
      throw_without_memory();
    }
  }
  static proc_status take_and_throw(void* count, const proc_moved_request* /*request*/) {
    ++*static_cast<int*>(count);
    throw_without_memory();
    return PROC_OK;
  }

  struct Init {
    proc_client* client = nullptr;
    explicit Init(int& count) {
      proc_config config = plaintext_config("127.0.0.1:1");
      config.on_event = throw_at_result;
      config.event_context = &count;
      config.max_pending_requests = 1;
      plugin().init(&config, &client, nullptr, 0);
    }
    ~Init() {
      stop_failing();
      EXPECT_TRUE(wait_until([&] {
        stop_failing();
        return plugin().shutdown(client, 0, nullptr, 0) == PROC_OK;
      }));
      EXPECT_EQ(plugin().destroy(client, nullptr, 0), PROC_OK);
    }
    proc_status allocate(std::uint32_t timeout_ms) const {
      const proc_request request = json_request();
      return plugin().allocate(client, request.format, request.body.data, request.body.size, timeout_ms, 0, nullptr,
                               nullptr, 0);
    }
    std::uint64_t pending() const {
      proc_stats stats{};
      stats.struct_size = sizeof(stats);
      plugin().get_stats(client, &stats, nullptr, 0);
      return stats.pending;
    }
  };

  // Polls until the one request has been given and is pending no more; then, with memory, whether it is given again.
  template <typename Poll>
  void give_once(const Init& of, const int& count, const Poll& poll) {
    ASSERT_EQ(of.allocate(1), PROC_OK);
    ASSERT_TRUE(wait_until([&] {
      poll();
      return count != 0;
    }));
    stop_failing();
    // Whatever memory the poll itself lacks.
    for (int n = 1; n < 10; ++n) {
      fail(Resource::kMemory, 1, n);
      poll();
      stop_failing();
      poll();
    }
    EXPECT_EQ(count, 1);
    EXPECT_EQ(of.pending(), 0U);
    EXPECT_EQ(of.allocate(20'000), PROC_OK) << "the client goes on";
  }
};

TEST_F(Thrower, OfAnEventIsGivenItOnce) {
  int count = 0;
  const Init init(count);
  give_once(init, count, [&] { plugin().poll(init.client, 1, 0, 5, nullptr, nullptr, nullptr, 0); });
}

TEST_F(Thrower, OfAJsonEventIsGivenItOnce) {
  int count = 0;
  const Init init(count);
  give_once(init, count, [&] {
    plugin().poll_json(init.client, throw_at_json_result, &count, 1, 0, 5, nullptr, nullptr, nullptr, 0);
  });
}

TEST_F(Thrower, OfAMovedRequestKeepsItAndTheClient) {
  int given = 0;
  int ended = 0;
  {
    const Init init(ended);
    ASSERT_EQ(init.allocate(20'000), PROC_OK);
    char error[256] = "";
    ASSERT_TRUE(wait_until([&] {
      EXPECT_EQ(plugin().hand_over(init.client, take_and_throw, &given, 0, nullptr, nullptr, error, sizeof(error)),
                PROC_OK)
          << error;
      return given != 0;
    }));
    stop_failing();
    EXPECT_EQ(init.pending(), 1U) << "it was not taken";
  }
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace agones::test
