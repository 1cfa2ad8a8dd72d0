// SPDX-License-Identifier: Apache-2.0
// Requests that go from one client to another.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::LocalProcessor;

// The second client's ids begin far behind the first one's.
constexpr std::uint64_t kSecondIds = 1'000'000;

proc_moved_request moved_request(std::uint64_t id) {
  static constexpr std::string_view kBody =
      "\x0a\x07"
      "default";
  proc_moved_request request{};
  request.struct_size = sizeof(request);
  request.timeout_ms = 60'000;
  request.request_id = id;
  request.body = {kBody.data(), kBody.size()};
  return request;
}

class HandOver : public testing::Test {
 protected:
  static local::LocalProcessorOptions standby() {
    auto options = quick_options();
    options.serving = false;
    return options;
  }

  static proc_status take(void* self, const proc_moved_request* request) {
    auto& test = *static_cast<HandOver*>(self);
    EXPECT_GE(request->struct_size, sizeof(proc_moved_request));
    if (test.refused_left > 0) {
      --test.refused_left;
      return PROC_ERR_NO_MEMORY;
    }
    test.waited_us[request->request_id] = request->waited_us;
    return plugin().take_over(test.second.handle(), request, nullptr, 0);
  }

  // Five requests leave the first client, and nobody takes them.
  void hand_five_to_nobody() {
    refused_left = 1'000'000;
    for (int i = 0; i < 5; ++i) {
      first.allocate();
    }
    ASSERT_TRUE(wait_until([&] {
      plugin().hand_over(first.handle(), &HandOver::take, this, 0, nullptr, nullptr, nullptr, 0);
      return first.stats().handed_over == 5;
    }));
  }
  void expect_five_shut_down() {
    ASSERT_EQ(first.results.size(), 5U);
    for (const Event& result : first.results) {
      EXPECT_EQ(result.outcome, PROC_OUTCOME_SHUTDOWN);
      EXPECT_EQ(result.delivery, PROC_DELIVERY_NOT_SENT);
      EXPECT_FALSE(result.request.empty());
    }
    EXPECT_EQ(first.stats().handed_over, 0U);
    EXPECT_EQ(first.stats().shut_down, 5U);
  }

  // Until nothing is left in the first client.
  bool move_all() {
    return wait_until([this] {
      EXPECT_EQ(plugin().hand_over(first.handle(), &HandOver::take, this, 0, nullptr, nullptr, nullptr, 0), PROC_OK);
      return first.stats().pending == 0;
    });
  }

  LocalProcessor processor{standby(), fleet_of(100)};
  Client first{processor.address()};
  Client second{processor.address(), [](proc_config& config) { config.first_request_id = kSecondIds; }};
  int refused_left = 0;
  std::map<std::uint64_t, std::uint64_t> waited_us;
};

TEST_F(HandOver, KeepsIdsTokensAndWhatWasWaited) {
  for (std::uint64_t token = 100; token < 110; ++token) {
    first.allocate(kAnyGameServer, 0, token);
  }
  ASSERT_TRUE(move_all());
  EXPECT_EQ(first.results.size(), 0U);
  EXPECT_EQ(first.allocate(), 0U);
  EXPECT_EQ(first.last_refusal.status, PROC_ERR_SHUT_DOWN);
  EXPECT_EQ(second.allocate(), kSecondIds + 10) << "each has a number";
  processor.set_serving(true);
  ASSERT_TRUE(second.poll_until_results(11));
  for (const Event& result : second.results) {
    EXPECT_EQ(result.outcome, PROC_OUTCOME_ALLOCATED);
    if (result.request_id < kSecondIds) {
      EXPECT_EQ(result.token, result.request_id + 99);
      EXPECT_GE(result.latency_us, waited_us[result.request_id]);
    }
  }
  EXPECT_EQ(first.stats().handed_over, 10U);
  EXPECT_EQ(first.stats().accepted, 10U);
  EXPECT_EQ(second.stats().taken_over, 10U);
  EXPECT_EQ(second.stats().accepted, 1U);
  EXPECT_EQ(second.stats().allocated, 11U);
}

TEST_F(HandOver, WhatIsNotTakenIsOfferedAgain) {
  refused_left = 3;
  for (int i = 0; i < 5; ++i) {
    first.allocate();
  }
  std::uint32_t count = 1;
  std::uint32_t more = 0;
  ASSERT_TRUE(wait_until([&] {
    EXPECT_EQ(plugin().hand_over(first.handle(), &HandOver::take, this, 0, &count, &more, nullptr, 0), PROC_OK);
    return refused_left < 3;
  }));
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(more, 1U);
  ASSERT_TRUE(move_all());
  EXPECT_EQ(second.stats().taken_over, 5U);
}

TEST_F(HandOver, WhatNobodyTakesEndsWithTheShutdown) {
  ASSERT_NO_FATAL_FAILURE(hand_five_to_nobody());
  ASSERT_EQ(first.shutdown(), PROC_OK) << first.last_refusal.error;
  expect_five_shut_down();
}

TEST_F(HandOver, WhatNobodyTakesEndsWithTheDrain) {
  ASSERT_NO_FATAL_FAILURE(hand_five_to_nobody());
  EXPECT_EQ(plugin().drain(first.handle(), PROC_DRAIN_END_ALL, nullptr, 0), PROC_OK);
  ASSERT_TRUE(first.poll_until_results(5));
  expect_five_shut_down();
}

TEST_F(HandOver, ACancelFindsWhatWasTakenOver) {
  const std::uint64_t id = first.allocate();
  ASSERT_TRUE(move_all());
  EXPECT_EQ(plugin().cancel(second.handle(), id, nullptr, 0), PROC_OK);
  ASSERT_TRUE(second.poll_until_results(1));
  EXPECT_EQ(second.results[0].request_id, id);
  EXPECT_EQ(second.results[0].outcome, PROC_OUTCOME_CANCELLED);
}

TEST_F(HandOver, TheTimeGoesOn) {
  first.allocate(kAnyGameServer, 200);
  ASSERT_TRUE(move_all());
  ASSERT_TRUE(second.poll_until_results(1));
  EXPECT_EQ(second.results[0].outcome, PROC_OUTCOME_TIMEOUT);
  EXPECT_EQ(second.results[0].delivery, PROC_DELIVERY_NOT_SENT);
  EXPECT_GE(second.results[0].latency_us, 200'000U);
}

TEST_F(HandOver, TheQueueLimitIsNoneForIt) {
  Client full(processor.address(), [](proc_config& config) {
    config.first_request_id = kSecondIds;
    config.max_pending_requests = 1;
  });
  ASSERT_NE(full.allocate(), 0U);
  ASSERT_EQ(full.allocate(), 0U);
  EXPECT_EQ(full.last_refusal.status, PROC_ERR_QUEUE_FULL);
  const proc_moved_request request = moved_request(5);
  EXPECT_EQ(plugin().take_over(full.handle(), &request, nullptr, 0), PROC_OK);
  EXPECT_EQ(full.stats().pending, 2U);
}

TEST_F(HandOver, BadRequestsAreRefusedByName) {
  const auto refusal = [&](const std::function<void(proc_moved_request&)>& adjust) {
    proc_moved_request request = moved_request(5);
    adjust(request);
    char error[256] = "";
    EXPECT_EQ(plugin().take_over(second.handle(), &request, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
    return std::string(error);
  };
  EXPECT_EQ(refusal([](auto& r) { r.request_id = 0; }).rfind("request_id: 0 is 0", 0), 0U);
  EXPECT_EQ(refusal([](auto& r) { r.request_id = kSecondIds; }).rfind("request_id: 1000000", 0), 0U);
  EXPECT_EQ(refusal([](auto& r) { r.timeout_ms = 0; }), "timeout_ms: 0 is not from 1 to a day");
  EXPECT_EQ(refusal([](auto& r) { r.body = {}; }), "request.body: empty");
  EXPECT_EQ(refusal([](auto& r) { r.body = {nullptr, 5}; }), "request.body: NULL");
  EXPECT_EQ(refusal([](auto& r) { r.traceparent = {nullptr, 55}; }), "traceparent: data is NULL, size is 55");
  EXPECT_EQ(refusal([](auto& r) { r.body = {"\xff", 1}; }).empty(), false);
  EXPECT_EQ(refusal([](auto& r) { r.struct_size = 8; }).rfind("request.struct_size: 8", 0), 0U);
  char error[64] = "";
  EXPECT_EQ(plugin().hand_over(first.handle(), nullptr, nullptr, 0, nullptr, nullptr, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "take: NULL");
  ASSERT_EQ(second.shutdown(), PROC_OK);
  const proc_moved_request late = moved_request(6);
  EXPECT_EQ(plugin().take_over(second.handle(), &late, nullptr, 0), PROC_ERR_SHUT_DOWN);
}

// What a client tells that is being replaced concerns nobody.
TEST_F(HandOver, ConnectionEventsStop) {
  processor.set_serving(true);
  ASSERT_TRUE(first.poll_until([&] { return first.connection() == PROC_CONNECTION_SERVING; }));
  ASSERT_TRUE(first.poll_until(
      [&] { return !first.connections.empty() && first.connections.back().connection == PROC_CONNECTION_SERVING; }));
  ASSERT_TRUE(move_all());
  const std::size_t before = first.connections.size();
  processor.kill();
  ASSERT_TRUE(first.poll_until([&] { return first.connection() == PROC_CONNECTION_BACKING_OFF; }));
  ASSERT_EQ(first.shutdown(), PROC_OK);
  EXPECT_EQ(first.connections.size(), before);
}

}  // namespace
}  // namespace agones::test
