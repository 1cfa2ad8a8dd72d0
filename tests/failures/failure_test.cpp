// SPDX-License-Identifier: Apache-2.0
// Whatever fails, and whenever: every request that was accepted ends once, shutdown and destroy work, the host goes on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "failures/injection.h"
#include "support/plugin.h"
#include "support/processor.h"

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

}  // namespace
}  // namespace agones::test
