// SPDX-License-Identifier: Apache-2.0
// What a processor can do to its client: memory, time, text, and services that it lacks.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "support/http2_server.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/raw_processor.h"

namespace agones::test {
namespace {

using std::chrono::milliseconds;

bool contains(const std::vector<Event>& events, const std::string& text) {
  return std::any_of(events.begin(), events.end(),
                     [&](const Event& event) { return event.message.find(text) != std::string::npos; });
}

std::string many(std::size_t count, std::string_view bytes) {
  std::string all;
  all.reserve(count * bytes.size());
  for (std::size_t i = 0; i < count; ++i) {
    all += bytes;
  }
  return all;
}

// One answer, to the batch's first request, with these bytes as its AllocationResponse.
std::string answer_with(const allocation::BatchRequest& batch, const std::string& response) {
  allocation::BatchResponse answer;
  answer.set_batch_id(batch.batch_id());
  auto* wrapper = answer.add_responses();
  wrapper->set_request_id(batch.requests(0).request_id());
  wrapper->GetReflection()->MutableUnknownFields(wrapper)->AddLengthDelimited(2)->assign(response);
  return answer.SerializeAsString();
}

// The request ends as UNKNOWN for this reason, and little memory is used on the way and kept afterwards.
void expect_refused(const RawProcessor::Options& options, const RawProcessor::Answer& answer,
                    const std::string& reason) {
  RawProcessor processor(options, answer);
  // Whatever a busy machine takes to read it.
  Client client(processor.address(), [](proc_config& config) { config.pull_timeout_ms = 60'000; });
  ASSERT_NE(client.allocate(), 0U);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_NE(client.results[0].message.find(reason), std::string::npos) << client.results[0].message;
  EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
}

TEST(OddProcessor, MillionsOfEmptyAnswersAreRefusedAtOnce) {
  expect_refused(
      {}, [](const auto&) { return many(20'000'000, std::string_view("\x12\x00", 2)); },
      "more answers than a batch has requests");
}

TEST(OddProcessor, MillionsOfPortsAreRefused) {
  expect_refused(
      {}, [](const auto& batch) { return answer_with(batch, many(15'000'000, std::string_view("\x1a\x00", 2))); },
      "an answer of more than 16384 fields");
}

// Two bytes each, 16 MiB: an event of one as JSON would take 846 MiB.
TEST(OddProcessor, MillionsOfLabelsAreRefused) {
  const std::size_t before = resident_bytes();
  expect_refused(
      {},
      [](const auto& batch) {
        allocation::AllocationResponse response;
        response.set_gameservername("gs");
        response.GetReflection()->MutableUnknownFields(&response)->AddLengthDelimited(7)->assign(
            many(8 << 20, std::string_view("\x0a\x00", 2)));
        return answer_with(batch, response.SerializeAsString());
      },
      "an answer whose metadata, counters and lists have more than 65536 fields");
  EXPECT_LT(resident_bytes(), before + (256U << 20));
}

TEST(OddProcessor, PackedMessagesAreRefusedBeforeTheyAreUnpacked) {
  RawProcessor::Options options;
  options.gzip = true;
  const std::size_t before = resident_bytes();
  expect_refused(
      options, [](const auto& batch) { return answer_with(batch, std::string(1 << 20, 'x')); }, "gzip");
  EXPECT_LT(resident_bytes(), before + (256U << 20));
}

TEST(OddProcessor, AnAnswerOfAsManyPortsAsFitIsShown) {
  RawProcessor processor({}, [](const allocation::BatchRequest& batch) {
    return answer_with(batch, "\x12\x02gs" + many(16'000, std::string_view("\x1a\x00", 2)));
  });
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED) << client.results[0].message;
  EXPECT_EQ(client.results[0].ports.size(), 16'000U);
}

TEST(OddProcessor, TextThatIsNotUtf8IsReplaced) {
  RawProcessor processor({}, [](const allocation::BatchRequest& batch) {
    allocation::BatchResponse answer;
    answer.set_batch_id(batch.batch_id());
    answer.add_responses()->set_request_id(std::string(63, 'x') + "\xc3\xa4\n\x1b[2J");
    std::string bytes = answer.SerializeAsString() + answer_with(batch, "\x12\x03g\xffs\x22\x01\xfe");
    // A status whose message is not UTF-8.
    if (batch.requests_size() == 2) {
      allocation::ResponseWrapper wrapper;
      wrapper.set_request_id(batch.requests(1).request_id());
      wrapper.GetReflection()->MutableUnknownFields(&wrapper)->AddLengthDelimited(3)->assign("\x08\x03\x12\x02\xff!");
      answer.Clear();
      *answer.add_responses() = wrapper;
      bytes += answer.SerializeAsString();
    }
    return bytes;
  });
  Client client(processor.address(), [](proc_config& config) { config.batches_per_pull = 1; });
  client.allocate();
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
  for (const Event& result : client.results) {
    if (result.outcome == PROC_OUTCOME_ALLOCATED) {
      EXPECT_EQ(result.game_server, "g\xef\xbf\xbds");
      EXPECT_EQ(result.address, "\xef\xbf\xbd");
    } else if (result.outcome == PROC_OUTCOME_REJECTED) {
      EXPECT_EQ(result.message, "\xef\xbf\xbd!");
    }
  }
  ASSERT_TRUE(client.poll_until([&] { return contains(client.logs, "never given out"); }));
  for (const Event& line : client.logs) {
    EXPECT_TRUE(std::none_of(line.message.begin(), line.message.end(), [](char c) { return c >= 0 && c < 0x20; }))
        << line.message;
    EXPECT_EQ(line.message.find("\xc3'"), std::string::npos) << "a character cut in two";
  }
}

TEST(OddProcessor, WhatABatchsAnswerLacksEndsAtOnce) {
  RawProcessor processor({}, [](const allocation::BatchRequest& batch) {
    allocation::BatchResponse answer;
    answer.set_batch_id(batch.batch_id());
    return answer.SerializeAsString();
  });
  Client client(processor.address(), [](proc_config& config) { config.allocation_timeout_ms = 3'600'000; });
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(client.results[0].message, "the processor's answer to the batch lacks this request");
  EXPECT_TRUE(client.poll_until([&] { return contains(client.logs, "lacks 1 of its requests"); }));
}

TEST(OddProcessor, ResultsThatNobodyPollsAreBounded) {
  auto options = quick_options();
  options.faults.oversize_bytes = 400'000;
  local::LocalProcessor processor(options, fleet_of(20));
  Client client(processor.address(), [](proc_config& config) {
    config.max_batch_size = 1;
    config.max_unpolled_bytes = 1 << 20;
  });
  constexpr std::size_t kRequests = 20;
  for (std::size_t i = 0; i < kRequests; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(wait_until([&] { return client.stats().allocated >= 3; }));
  const std::uint64_t pulls = client.stats().pulls;
  ASSERT_TRUE(wait_until([&] { return client.stats().pulls > pulls + 10; }));
  EXPECT_LE(client.stats().batches_sent, 4U) << "pulled on and on, it sends no more";
  ASSERT_TRUE(client.poll_until_results(kRequests));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], kRequests);
  EXPECT_TRUE(client.poll_until([&] { return contains(client.logs, "until the host polls"); }));
}

TEST(OddProcessor, WithoutAHealthServiceItIsUsed) {
  auto options = quick_options();
  options.health_service = false;
  auto processor = std::make_unique<local::LocalProcessor>(options, fleet_of(10));
  options.address = processor->address();
  Client client(processor->address(), [](proc_config& config) {
    config.fail_fast = 1;
    config.reconnect_max_ms = 300;
  });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  // Gone: the host hears of it, and fail_fast works.
  processor.reset();
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.results[1].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(client.results[1].delivery, PROC_DELIVERY_NOT_SENT);
  // Back: used by the plugin's own backoff, not by gRPC's, which would wait for a minute by now.
  const auto attempts = client.stats().streams;
  processor = std::make_unique<local::LocalProcessor>(options, fleet_of(10));
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  EXPECT_GE(client.stats().streams, attempts);
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(3));
  EXPECT_EQ(client.results[2].outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
}

// A stream that is cancelled is a warning in the processor's log; one whose client says that it writes no more is not.
TEST(OddProcessor, EveryStreamEndsByTheClientsLastWord) {
  RawProcessor processor({}, good_answer);
  const auto all_ended = [&] { return processor.ended_by_client() + processor.cancelled() == processor.streams(); };
  {
    Client client(processor.address());
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
    ASSERT_TRUE(wait_until(all_ended));
  }
  {
    // This processor pulls once: the stream is replaced again and again.
    Client client(processor.address(), [](proc_config& config) {
      config.pull_timeout_ms = 100;
      config.reconnect_initial_ms = 10;
      config.reconnect_max_ms = 20;
    });
    ASSERT_TRUE(client.poll_until([&] { return processor.streams() >= 5; }));
  }
  ASSERT_TRUE(wait_until(all_ended));
  // One may be cancelled where the machine takes longer than the stream is given.
  EXPECT_GE(processor.ended_by_client(), 4);
  EXPECT_LE(processor.cancelled(), 1);
}

TEST(OddProcessor, AStreamThatTheProcessorDoesNotEndIsCancelled) {
  std::promise<void> release;
  const auto released = release.get_future().share();
  RawProcessor processor({}, [released](const allocation::BatchRequest& batch) {
    released.wait();
    return good_answer(batch);
  });
  {
    Client client(processor.address());
    client.allocate();
    ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 1; }));
    EXPECT_EQ(client.shutdown(0), PROC_OK) << client.last_refusal.error;
  }
  release.set_value();
  EXPECT_TRUE(wait_until([&] { return processor.cancelled() == 1; }));
}

TEST(OddProcessor, AWebServerIsSaidToBeNoProcessor) {
  const Http2Server web("401");
  Client client(web.address());
  std::string reason;
  ASSERT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; }));
  EXPECT_NE(reason.find("this is no processor: it answers with HTTP status 401, not with gRPC"), std::string::npos)
      << reason;
}

TEST(OddProcessor, WhatIsNoProcessorIsSaidToBeNone) {
  for (const bool health : {true, false}) {
    RawProcessor::Options options;
    options.implemented = false;
    options.health_service = health;
    RawProcessor processor(options, good_answer);
    Client client(processor.address(), [](proc_config& config) {
      config.fail_fast = 1;
      config.reconnect_initial_ms = 10;
      config.reconnect_max_ms = 100;
    });
    std::string reason;
    ASSERT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; }));
    EXPECT_NE(reason.find("no allocation processor"), std::string::npos) << reason;
    EXPECT_NE(reason.find("no\\nsuch \\x1b[31mthing"), std::string::npos) << reason;
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_NOT_SENT);
    // It tries on, by its backoff, and says it once.
    ASSERT_TRUE(client.poll_until([&] { return processor.streams() >= 8; }));
    EXPECT_EQ(std::count_if(
                  client.logs.begin(), client.logs.end(),
                  [](const Event& line) { return line.message.find("no allocation processor") != std::string::npos; }),
              1);
    EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
  }
}

}  // namespace
}  // namespace agones::test
