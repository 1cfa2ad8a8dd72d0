// SPDX-License-Identifier: Apache-2.0
// What the host sees when the processor misbehaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::Faults;
using local::LocalProcessor;
using std::chrono::milliseconds;
using testing::UnorderedElementsAreArray;

bool contains(const std::vector<Event>& events, const std::string& text) {
  return std::any_of(events.begin(), events.end(),
                     [&](const Event& event) { return event.message.find(text) != std::string::npos; });
}

// The client's first request is lost with its stream; the next one, without the fault, is answered.
void expect_one_lost(LocalProcessor& processor, Client& client) {
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_UNKNOWN);
  processor.set_faults({});
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.results[1].outcome, PROC_OUTCOME_ALLOCATED);
}

TEST(Fault, ALostStreamEndsWhatWasSentAtOnceAndKeepsTheRest) {  // H8
  const Faults slow = answers_held_back();
  auto options = quick_options();
  options.faults = without_pulls(slow);
  auto processor = std::make_unique<LocalProcessor>(options, fleet_of(10));
  Client client(processor->address(), [](proc_config& config) {
    config.max_batch_size = 5;
    config.fixed_batches = 1;
    config.max_streams = 1;
    config.allocation_timeout_ms = 3'600'000;
  });
  for (int i = 0; i < 8; ++i) {
    client.allocate();
  }
  processor->set_faults(slow);
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 5; }));
  processor->kill();
  ASSERT_TRUE(client.poll_until_results(5));
  for (const Event& result : client.results) {
    EXPECT_EQ(result.outcome, PROC_OUTCOME_DISCONNECTED);
    EXPECT_EQ(result.delivery, PROC_DELIVERY_UNKNOWN);
    EXPECT_FALSE(result.message.empty());
  }
  EXPECT_EQ(client.stats().unsent, 3U);
  // The same port again: the rest goes there.
  options.address = processor->address();
  options.faults = {};
  processor.reset();
  const LocalProcessor restarted(options, fleet_of(10));
  ASSERT_TRUE(client.poll_until_results(8));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], 3U);
  EXPECT_EQ(restarted.counts().requests, 3U) << "nothing is sent twice";  // H14
}

TEST(Fault, FailFastEndsTheUnsentWhenNobodyIsThere) {
  Client client("127.0.0.1:1", [](proc_config& config) { config.fail_fast = 1; });
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_NOT_SENT);
  EXPECT_FALSE(client.results[0].message.empty());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
}

TEST(Fault, ResendAllocatesTwiceWhereAskedFor) {
  auto options = quick_options();
  options.faults.drop_before_answer = 1;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) { config.resend_may_allocate_twice = 1; });
  client.allocate();
  ASSERT_TRUE(client.poll_until([&] { return client.stats().resent >= 1; }));
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_GE(processor.counts().allocated, 2U);
}

TEST(Fault, WhatWasSentAndLostIsNeverCalledUnsent) {
  auto options = quick_options();
  options.faults = answers_held_back();
  auto processor = std::make_unique<LocalProcessor>(options, fleet_of(30));
  Client client(processor->address(), [](proc_config& config) { config.resend_may_allocate_twice = 1; });
  for (int i = 0; i < 10; ++i) {
    client.allocate(kAnyGameServer, 3'600'000);
  }
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 10; }));
  processor->kill();
  ASSERT_TRUE(client.poll_until([&] { return client.stats().unsent == 10; }));
  const std::uint64_t never_sent = client.allocate(kAnyGameServer, 3'600'000);
  // A swap would move what comes back as NOT_SENT to the next plugin, which would send it.
  ASSERT_EQ(client.api().drain(client.handle(), PROC_DRAIN_RETURN_UNSENT, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(11));
  for (const Event& result : client.results) {
    EXPECT_EQ(result.delivery, result.request_id == never_sent ? PROC_DELIVERY_NOT_SENT : PROC_DELIVERY_UNKNOWN);
  }
}

// One request that is sent, and times out after that; the number of those that a busy machine let time out before.
std::size_t send_one_that_times_out(Client& client) {
  std::size_t unsent = 0;
  for (std::uint32_t timeout_ms = 250; timeout_ms < static_cast<std::uint32_t>(kPatienceMs); timeout_ms *= 2) {
    const std::size_t results = client.results.size();
    client.allocate(kAnyGameServer, timeout_ms);
    EXPECT_TRUE(client.poll_until_results(results + 1));
    EXPECT_EQ(client.results.back().outcome, PROC_OUTCOME_TIMEOUT);
    if (client.results.back().delivery == PROC_DELIVERY_UNKNOWN) {
      return unsent;
    }
    ++unsent;
  }
  ADD_FAILURE() << "nothing is sent";
  return unsent;
}

TEST(Fault, TheNextBatchWaitsForTheAnswerToOneThatTimedOut) {  // H17
  Faults paused;
  paused.work = std::chrono::hours(1);
  auto options = quick_options();
  options.faults = paused;
  LocalProcessor processor(options, fleet_of(200));
  Client client(processor.address(), [](proc_config& config) {
    config.allocation_timeout_ms = 50;
    config.max_streams = 1;
  });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  const std::size_t before = send_one_that_times_out(client) + 1;
  ASSERT_EQ(client.stats().batches_sent, 1U);
  // Again and again all that was sent has timed out, and the processor is pulling.
  for (std::size_t round = 1; round <= 10; ++round) {
    for (int i = 0; i < 10; ++i) {
      client.allocate();
    }
    ASSERT_TRUE(client.poll_until_results(before + 10 * round));
  }
  EXPECT_EQ(client.stats().batches_sent, 1U);
  std::size_t unknown = 0;
  for (const Event& result : client.results) {
    EXPECT_EQ(result.outcome, PROC_OUTCOME_TIMEOUT);
    unknown += result.delivery == PROC_DELIVERY_UNKNOWN ? 1 : 0;
  }
  EXPECT_EQ(unknown, 1U);
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until([&] { return client.orphans.size() == 1; }));
  EXPECT_EQ(client.stats().batches_answered, 1U);
  client.allocate(kAnyGameServer, 60'000);
  ASSERT_TRUE(client.poll_until_results(before + 101));
  EXPECT_EQ(client.results.back().outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(processor.counts().allocated, 2U) << "one orphan, not a hundred";
}

TEST(Fault, ASlowRequestHoldsUpItsOwnBatchAlone) {  // H7
  auto options = quick_options();
  options.timing.updates.each = milliseconds(1);
  options.timing.updates.slow_rate = 0.1;
  options.timing.updates.slow = std::chrono::hours(1);
  LocalProcessor processor(options, fleet_of(1000));
  Client client(processor.address(), [](proc_config& config) { config.answer_timeout_ms = 3'600'000; });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  constexpr std::size_t kRequests = 60;
  for (std::size_t i = 0; i < kRequests; ++i) {
    client.allocate(kAnyGameServer, 3'600'000);
    // On one stream the next would wait for the first slow one.
    ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight + client.stats().allocated == i + 1; }));
  }
  EXPECT_TRUE(client.poll_until([&] { return client.stats().allocated >= kRequests / 2; }));
  EXPECT_GE(client.stats().open_streams, 2U);
  EXPECT_GE(client.stats().in_flight, 1U);
}

TEST(Fault, ASlowBatchBlocksTheStreamUntilTheWatchdogReplacesIt) {  // H17
  Faults paused;
  paused.work = std::chrono::hours(1);
  auto options = quick_options();
  options.faults = paused;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) { config.answer_timeout_ms = 1000; });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  send_one_that_times_out(client);
  ASSERT_TRUE(client.poll_until([&] { return contains(client.logs, "not answered in time"); }));
  EXPECT_TRUE(
      client.poll_until([&] { return client.stats().streams >= 2 && client.connection() == PROC_CONNECTION_SERVING; }));
}

TEST(Fault, ReplicasThatCantBeReachedAreToldOnceEach) {
  Client client("127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5", [](proc_config& config) {
    config.log_level = PROC_SEVERITY_DEBUG;
    config.reconnect_initial_ms = 5;
    config.reconnect_max_ms = 20;
  });
  const auto lines = [&](proc_severity least) {
    return std::count_if(client.logs.begin(), client.logs.end(), [&](const Event& line) {
      return line.severity >= least && line.message.find("127.0.0.1:") != std::string::npos;
    });
  };
  // Each has been tried many times.
  ASSERT_TRUE(client.poll_until([&] { return lines(PROC_SEVERITY_DEBUG) >= 100; }));
  EXPECT_EQ(lines(PROC_SEVERITY_WARNING), 5);
  // Connecting, then backing off.
  EXPECT_EQ(client.connections.size(), 2U);
  std::string reason;
  EXPECT_EQ(client.connection(&reason), PROC_CONNECTION_BACKING_OFF);
  EXPECT_NE(reason.find("; and 2 more"), std::string::npos) << reason;
}

TEST(Fault, AProcessorThatIsLostIsToldOnce) {
  for (int round = 0; round < 10; ++round) {
    auto processor = std::make_unique<ProcessorProgram>(std::vector<std::string>{"--pull-interval-ms", "10"});
    Client client(processor->address(), [](proc_config& config) { config.reconnect_max_ms = 100; });
    ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
    processor.reset();  // killed: the connection ends, and with it the stream and the health's
    // Until what comes next is told, too.
    ASSERT_TRUE(client.poll_until([&] {
      return std::any_of(client.logs.begin(), client.logs.end(),
                         [](const Event& line) { return line.message.find("refused") != std::string::npos; });
    }));
    std::map<std::string, int> told;
    for (const Event& line : client.logs) {
      told[line.message] += line.kind == "connection_failed" && line.severity == PROC_SEVERITY_WARNING ? 1 : 0;
    }
    for (const auto& [message, times] : told) {
      EXPECT_LE(times, 1) << message;
    }
  }
}

TEST(Fault, AStreamDroppedBeforeTheAnswerIsUnknown) {
  auto options = quick_options();
  options.faults.drop_before_answer = 1;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  expect_one_lost(processor, client);
}

TEST(Fault, AStreamDroppedAfterTheAnswerIsNoLoss) {
  auto options = quick_options();
  options.faults.drop_after_answer = 1;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  for (std::size_t round = 1; round <= 5; ++round) {
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(round));
    const Event& result = client.results.back();
    // The drop may overtake the answer on the wire; then the truth is UNKNOWN.
    EXPECT_TRUE(result.outcome == PROC_OUTCOME_ALLOCATED || result.delivery == PROC_DELIVERY_UNKNOWN);
  }
}

TEST(Fault, ASecondAnswerIsNoSecondGameServer) {
  auto options = quick_options();
  options.faults.answer_twice = 1;
  LocalProcessor processor(options, fleet_of(100));
  Client client(processor.address());
  for (int i = 0; i < 100; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until([&] { return client.stats().duplicate_answers >= 100; }));
  ASSERT_TRUE(client.poll_until_results(100));
  EXPECT_TRUE(client.orphans.empty());
  EXPECT_EQ(client.results.size(), 100U);
}

TEST(Fault, AnswersToUnknownIdsAreCountedAndLogged) {
  auto options = quick_options();
  options.faults.answer_unknown_ids = 1;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(client.stats().unknown_answers, 1U);
  ASSERT_TRUE(client.poll_until([&] { return contains(client.logs, "nobody-asked-for-this"); }));
}

TEST(Fault, GarbageReplacesTheStream) {
  auto options = quick_options();
  options.faults.answer_garbage = 1;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  expect_one_lost(processor, client);
  EXPECT_EQ(client.stats().malformed_messages, 1U);
}

TEST(Fault, AnswersOverFourMebibytesAreReceived) {  // H2
  auto options = quick_options();
  options.faults.oversize_bytes = 9 << 20;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED) << client.results[0].message;
  EXPECT_GT(client.results[0].response.size(), 9U << 20U);
}

TEST(Fault, AnswersOverTheOwnLimitEndTheStreamWithAReason) {
  auto options = quick_options();
  options.faults.oversize_bytes = 1 << 20;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) { config.max_message_bytes = 65'536; });
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_NE(client.results[0].message.find("larger than max"), std::string::npos) << client.results[0].message;
}

TEST(Fault, InjectedErrorsAreRejections) {
  auto options = quick_options();
  options.faults.error_rate = 0.5;
  options.faults.error_code = 10;  // ABORTED
  LocalProcessor processor(options, fleet_of(200));
  Client client(processor.address());
  for (int i = 0; i < 200; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(200));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], processor.counts().allocated);
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_REJECTED], processor.counts().refused);
  EXPECT_GT(processor.counts().refused, 0U);
  for (const Event& result : client.results) {
    EXPECT_TRUE(result.outcome != PROC_OUTCOME_REJECTED || (result.code == 10 && result.message == "injected fault"));
  }
}

TEST(Fault, AStreamThatIsNotPulledIsReplaced) {  // H1, H12
  auto options = quick_options();
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) {
    config.pull_timeout_ms = 200;
    config.batches_per_pull = 1;
  });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  Faults faults;
  faults.stop_pulling = true;
  processor.set_faults(faults);
  client.allocate();
  ASSERT_TRUE(client.poll_until([&] { return client.stats().streams >= 3; }));
  EXPECT_TRUE(client.poll_until([&] { return contains(client.logs, "not pulled in time"); }));
  EXPECT_TRUE(client.results.empty()) << "an unsent request waits";
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
}

TEST(Fault, AStreamThatIsPulledButNotAnsweredIsReplaced) {  // H4
  auto options = quick_options();
  options.faults.stop_reading = true;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) {
    config.answer_timeout_ms = 200;
    config.allocation_timeout_ms = 600'000;
  });
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_NE(client.results[0].message.find("pulled, but not answered in time"), std::string::npos)
      << client.results[0].message;
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until([&] {
    client.allocate();
    return client.stats().allocated > 0;
  }));
}

TEST(Fault, AnswersOfAReplacedStreamAreOrphans) {  // H4, H7, H9
  const Faults slow = answers_held_back();
  auto options = quick_options();
  options.faults = without_pulls(slow);
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) {
    config.answer_timeout_ms = 60'000;
    config.pull_timeout_ms = 200;
    config.allocation_timeout_ms = 600'000;
  });
  const std::uint64_t first = client.allocate();
  const std::uint64_t second = client.allocate();
  processor.set_faults(slow);
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 2; }));
  processor.set_faults(without_pulls(slow));
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_DISCONNECTED], 2U);
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until([&] { return client.orphans.size() == 2; }));
  EXPECT_EQ((std::set<std::uint64_t>{client.orphans[0].request_id, client.orphans[1].request_id}),
            (std::set<std::uint64_t>{first, second}));
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(3));
  std::vector<std::string> names = client.allocated_names();
  names.push_back(client.orphans[0].game_server);
  names.push_back(client.orphans[1].game_server);
  EXPECT_THAT(names, UnorderedElementsAreArray(names_in(processor)));
  // The replaced stream has ended, too.
  EXPECT_TRUE(client.poll_until([&] { return processor.counts().clients == 1; }));
}

TEST(Fault, ReconnectsAreNeverForgottenByTheProcessor) {  // H1
  auto options = quick_options();
  options.faults.drop_after_answer = 1;
  LocalProcessor processor(options, fleet_of(100));
  // No help from the watchdog.
  Client client(processor.address(), [](proc_config& config) { config.pull_timeout_ms = 3'600'000; });
  // Each stream answers one batch. A request that a kept pull lets out on a stream that is ending gets none.
  for (std::size_t round = 1; client.stats().allocated < 20; ++round) {
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(round)) << "round " << round;
  }
  EXPECT_GE(client.stats().streams, 20U);
  EXPECT_EQ(processor.counts().streams, client.stats().streams);
}

TEST(Fault, AProcessorThatDoesNotReadTimesRequestsOut) {
  auto options = quick_options();
  options.faults.stop_reading = true;
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address());
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  send_one_that_times_out(client);
}

TEST(Fault, NothingIsSentBeforeAPullAndNoWrapperIsEmpty) {  // H3, H4
  LocalProcessor processor(quick_options(), fleet_of(1000));
  Client client(processor.address(), [](proc_config& config) {
    config.max_batch_size = 100;
    config.fixed_batches = 1;
  });
  for (int i = 0; i < 1000; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(1000));
  EXPECT_EQ(processor.counts().batches_before_pull, 0U);
  EXPECT_EQ(processor.counts().wrappers_without_request, 0U);
  EXPECT_EQ(processor.counts().largest_batch, 100U);
}

TEST(Fault, AHostThatDoesNotPollStallsNobodysPulls) {  // H5
  LocalProcessor processor(quick_options(), fleet_of(2000));
  Client lazy(processor.address());
  Client busy(processor.address());
  for (int i = 0; i < 500; ++i) {
    lazy.allocate();
  }
  for (std::size_t round = 1; round <= 20; ++round) {
    busy.allocate();
    ASSERT_TRUE(busy.poll_until_results(round));
  }
  ASSERT_TRUE(busy.poll_until([&] { return lazy.stats().allocated == 500; })) << "read though never polled";
  EXPECT_TRUE(lazy.results.empty());
  ASSERT_TRUE(lazy.poll_until_results(500));
}

TEST(Fault, ALoneRequestWaitsForNoPull) {  // H6
  auto options = quick_options();
  options.pull_interval = milliseconds(500);
  LocalProcessor processor(options, fleet_of(100));
  struct Times {
    double shortest = std::numeric_limits<double>::max();
    double longest = 0;
  };
  const auto times_ms = [&](std::uint32_t batches_per_pull) {
    Client client(processor.address(), [&](proc_config& config) { config.batches_per_pull = batches_per_pull; });
    client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; });
    Times times;
    for (std::size_t round = 1; round <= 4; ++round) {
      // After the pull, and so somewhere in the middle of an interval.
      const auto pulls = client.stats().pulls;
      client.poll_until([&] { return client.stats().pulls > pulls; });
      client.poll_for(milliseconds(50));
      const auto start = std::chrono::steady_clock::now();
      client.allocate();
      client.poll_until_results(round);
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
      times.shortest = std::min(times.shortest, time.count());
      times.longest = std::max(times.longest, time.count());
    }
    return times;
  };
  // What a busy machine adds makes these longer, never shorter.
  const double between_pulls = times_ms(32).shortest;
  const double at_pulls = times_ms(1).longest;
  EXPECT_LT(between_pulls * 3, at_pulls) << between_pulls << " ms against " << at_pulls << " ms";
}

TEST(Fault, ABurstBeforeAPullSucceedsWhole) {  // H2
#if defined(__SANITIZE_ADDRESS__) || defined(AGONES_THREAD_SANITIZER)
  constexpr std::size_t kBurst = 20'000;
#else
  constexpr std::size_t kBurst = 1'000'000;
#endif
  auto options = quick_options();
  options.serving = false;
  LocalProcessor processor(options, fleet_of(kBurst));
  Client client(processor.address(), [](proc_config& config) { config.allocation_timeout_ms = 600'000; });
  // 10,000 of these are over the processor's limit for one message.
  const std::string json =
      R"({"namespace":"default","metadata":{"annotations":{"padding":")" + std::string(500, 'x') + R"("}}})";
  for (std::size_t i = 0; i < kBurst; ++i) {
    ASSERT_NE(client.allocate(json), 0U);
  }
  processor.set_serving(true);
  ASSERT_TRUE(client.poll_until_results(kBurst));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], kBurst);
  EXPECT_EQ(client.times_connected(), 1U) << "no batch was over the limit";
}

}  // namespace
}  // namespace agones::test
