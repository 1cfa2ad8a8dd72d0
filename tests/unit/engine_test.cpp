// SPDX-License-Identifier: Apache-2.0
// The engine's decisions, hazard by hazard (H1 to H14 of the contract), on a clock that the test holds.
#include "engine/engine.h"

#include <allocation/processor.pb.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace agones::plugin {
namespace {

using std::chrono::seconds;

const TimePoint kStart{};

class Sink : public EngineSink {
 public:
  void completed(std::unique_ptr<CompletionBlock> block) noexcept override {
    blocks.push_back(std::move(block));
    if (on_completed) {
      on_completed();
    }
  }
  void log(LogEntry entry) noexcept override { warnings.push_back(std::move(entry.message)); }
  std::uint64_t unpolled_bytes() const noexcept override { return unpolled; }
  std::string_view why_no_stream() const noexcept override { return "nobody is there"; }

  std::vector<const Completion*> all() const {
    std::vector<const Completion*> items;
    for (const auto& block : blocks) {
      for (const Completion& item : block->items) {
        items.push_back(&item);
      }
    }
    return items;
  }

  std::uint64_t unpolled = 0;
  std::function<void()> on_completed;
  std::vector<std::unique_ptr<CompletionBlock>> blocks;
  std::vector<std::string> warnings;
};

// So that a few requests make more than one batch under way.
Engine::Config several_batches() {
  Engine::Config config;
  config.max_batch_size = 100;
  config.fixed_batches = true;
  config.max_unanswered_batches = 64;
  return config;
}

class EngineTest : public testing::Test {
 protected:
  Engine& engine() {
    if (!engine_) {
      engine_.emplace(config, kStart, counters, metrics, sink);
    }
    return *engine_;
  }

  void submit(std::size_t count = 1,
              std::string_view body =
                  "\x0a\x07"
                  "default",
              Duration timeout = seconds(30)) {
    for (std::size_t i = 0; i < count; ++i) {
      RequestPtr request = Request::create(body, {}, 0, now, now + timeout);
      request->id = ++last_id;
      engine().submit(std::move(request));
      engine().end_due(now);
    }
  }

  void pull() {
    allocation::ProcessorMessage message;
    message.mutable_pull()->set_message("pull");
    EXPECT_EQ(engine().receive(stream, message.SerializeAsString(), now), Received::kPull);
  }

  // The next batch as the processor reads it; none if the engine sends nothing.
  std::optional<allocation::BatchRequest> next_batch() {
    auto batch = engine().next_batch(stream, now);
    if (!batch) {
      return std::nullopt;
    }
    last_size = batch->message.size();
    allocation::ProcessorMessage message;
    EXPECT_TRUE(message.ParseFromString(batch->message));
    EXPECT_EQ(message.client_id(), "client.1");
    return message.batch_request();
  }

  std::vector<allocation::BatchRequest> all_batches() {
    std::vector<allocation::BatchRequest> batches;
    while (auto batch = next_batch()) {
      batches.push_back(std::move(*batch));
    }
    return batches;
  }

  static allocation::ProcessorMessage answer_to(const allocation::BatchRequest& batch) {
    allocation::ProcessorMessage message;
    message.mutable_batch_response()->set_batch_id(batch.batch_id());
    for (const auto& wrapper : batch.requests()) {
      auto* response = message.mutable_batch_response()->add_responses();
      response->set_request_id(wrapper.request_id());
      response->mutable_response()->set_gameservername("gs-" + wrapper.request_id());
    }
    return message;
  }

  void receive(const allocation::ProcessorMessage& message) {
    EXPECT_NE(engine().receive(stream, message.SerializeAsString(), now), Received::kMalformed);
  }

  void open() { engine().stream_opened(++stream, "client.1", now); }

  Engine::Config config = several_batches();
  Counters counters;
  Metrics metrics;
  Sink sink;
  TimePoint now = kStart;
  std::uint64_t stream = 0;  // the last one
  std::uint64_t last_id = 0;
  std::size_t last_size = 0;

 private:
  std::optional<Engine> engine_;
};

TEST_F(EngineTest, SendsNothingBeforeTheFirstPull) {  // H4
  submit(3);
  EXPECT_FALSE(next_batch());
  open();
  EXPECT_FALSE(next_batch());
  pull();
  EXPECT_EQ(next_batch()->requests_size(), 3);
}

TEST_F(EngineTest, CutsByCountAndSendsAllForOnePull) {  // H2
  open();
  submit(250);
  pull();
  const auto batches = all_batches();
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].requests_size(), 100);
  EXPECT_EQ(batches[2].requests_size(), 50);
  EXPECT_NE(batches[0].batch_id(), batches[1].batch_id());
}

TEST_F(EngineTest, CutsByBytes) {  // H2
  config.max_batch_bytes = 1024;
  open();
  submit(20, std::string("\x0a\x64", 2) + std::string(100, 'n'));
  pull();
  std::vector<int> sizes;
  while (auto batch = next_batch()) {
    EXPECT_LE(last_size, config.max_batch_bytes);
    sizes.push_back(batch->requests_size());
  }
  EXPECT_EQ(sizes, (std::vector<int>{8, 8, 4}));
}

TEST_F(EngineTest, EveryWrapperHasItsRequest) {  // H3
  open();
  submit(2);
  pull();
  const auto batch = next_batch();
  ASSERT_EQ(batch->requests_size(), 2);
  for (const auto& wrapper : batch->requests()) {
    EXPECT_TRUE(wrapper.has_request());
    EXPECT_EQ(wrapper.request().namespace_(), "default");
  }
}

TEST_F(EngineTest, ALoneRequestWaitsForNoPull) {  // H6
  open();
  EXPECT_FALSE(engine().next_send(now)) << "not before the first";
  pull();
  EXPECT_FALSE(next_batch());
  EXPECT_EQ(engine().next_send(now), now);
  submit();
  const auto first = next_batch();
  ASSERT_TRUE(first);
  receive(answer_to(*first));
  submit();
  EXPECT_FALSE(next_batch()) << "a little apart";
  ASSERT_TRUE(engine().next_send(now));
  now = *engine().next_send(now);
  EXPECT_TRUE(next_batch());
}

TEST_F(EngineTest, SendsNothingBetweenPullsWhileOneIsUnanswered) {  // H4
  config.max_unanswered_batches = 1;
  open();
  pull();
  submit();
  const auto first = next_batch();
  submit();
  now += milliseconds(150);
  EXPECT_FALSE(engine().next_send(now));
  EXPECT_FALSE(next_batch());
  receive(answer_to(*first));
  EXPECT_TRUE(next_batch());
}

TEST_F(EngineTest, SendsNothingWhilePullsAreOverdue) {  // H11, H12
  open();
  pull();
  now += milliseconds(200);
  pull();
  now += milliseconds(401);
  submit();
  EXPECT_FALSE(next_batch()) << "the processor may be gone";
  pull();
  EXPECT_TRUE(next_batch());
}

TEST_F(EngineTest, AStreamBeginsWithItsFirstPull) {  // H4
  open();
  pull();
  engine().stream_lost(stream, "gone", now);
  open();
  submit();
  EXPECT_FALSE(next_batch());
}

TEST_F(EngineTest, APullCoversWhatWasThereWhenItCame) {
  config.batches_per_pull = 1;
  open();
  submit(2);
  pull();
  submit(5);
  EXPECT_EQ(next_batch()->requests_size(), 2);
  EXPECT_FALSE(next_batch());
}

TEST_F(EngineTest, APullCoversNobodyInPlaceOfOneWhoGaveUp) {
  config.batches_per_pull = 1;
  config.max_unanswered_batches = 1;
  open();
  submit(1);
  pull();
  const auto first = next_batch();
  ASSERT_TRUE(first);
  submit(2);
  pull();
  engine().cancel(2, now);
  engine().cancel(3, now);
  EXPECT_FALSE(next_batch());
  submit(2);
  receive(answer_to(*first));
  EXPECT_FALSE(next_batch()) << "these came after the pull";
  pull();
  EXPECT_EQ(next_batch()->requests_size(), 2);
}

TEST_F(EngineTest, BoundsTheUnansweredBatches) {  // H7
  config.max_unanswered_batches = 2;
  open();
  submit(500);
  pull();
  const auto sent = all_batches();
  ASSERT_EQ(sent.size(), 2U);
  receive(answer_to(sent[0]));
  EXPECT_EQ(all_batches().size(), 1U) << "an answer makes room, without another pull";
}

TEST_F(EngineTest, ABatchWhoseRequestsGaveUpIsStillUnanswered) {  // H17
  config.max_unanswered_batches = 1;
  open();
  submit(2, "\x0a\x01n", seconds(1));
  pull();
  const auto slow = next_batch();
  ASSERT_TRUE(slow);
  engine().cancel(1, now);
  submit(1, "\x0a\x01n", seconds(2));
  submit(1, "\x0a\x01n", seconds(10));
  pull();
  now += seconds(2);
  engine().end_due(now);
  EXPECT_FALSE(next_batch()) << "the processor still works on the batch before";
  EXPECT_FALSE(engine().next_send(now));
  ASSERT_EQ(sink.all().size(), 3U);
  EXPECT_EQ(sink.all()[1]->delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(sink.all()[2]->outcome, PROC_OUTCOME_TIMEOUT);
  EXPECT_EQ(sink.all()[2]->delivery, PROC_DELIVERY_NOT_SENT);
  receive(answer_to(*slow));
  EXPECT_EQ(counters.orphans.get(), 2U);
  EXPECT_EQ(counters.batches_answered.get(), 1U);
  EXPECT_EQ(next_batch()->requests_size(), 1) << "what has time left is not starved";
}

TEST_F(EngineTest, StreamLossTellsSentFromUnsent) {  // H8
  open();
  submit(2);
  pull();
  ASSERT_TRUE(next_batch());
  submit(3);
  engine().stream_lost(stream, "gone", now);
  const auto items = sink.all();
  ASSERT_EQ(items.size(), 2U);
  for (const Completion* item : items) {
    EXPECT_EQ(item->outcome, PROC_OUTCOME_DISCONNECTED);
    EXPECT_EQ(item->delivery, PROC_DELIVERY_UNKNOWN);
    EXPECT_EQ(item->payload, "gone");
  }
  EXPECT_EQ(engine().unsent(), 3U);
  open();
  EXPECT_FALSE(next_batch()) << "a pull of the old stream is no pull of the new one";
  pull();
  EXPECT_EQ(next_batch()->requests_size(), 3);
}

TEST_F(EngineTest, NothingIsSentTwiceUnlessAsked) {  // H14
  open();
  submit(2);
  pull();
  ASSERT_TRUE(next_batch());
  engine().stream_lost(stream, "gone", now);
  open();
  pull();
  EXPECT_FALSE(next_batch());
}

TEST_F(EngineTest, ResendSendsInTheOldOrder) {
  config.resend = true;
  open();
  submit(3);
  pull();
  const auto first = next_batch();
  submit(1);
  engine().stream_lost(stream, "gone", now);
  EXPECT_TRUE(sink.all().empty());
  open();
  pull();
  const auto again = next_batch();
  ASSERT_EQ(again->requests_size(), 4);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(again->requests(i).request_id(), first->requests(i).request_id());
  }
  EXPECT_EQ(counters.resent.get(), 3U);
}

TEST_F(EngineTest, FailFastEndsTheUnsent) {
  config.fail_fast = true;
  submit(2);
  engine().set_reachable(false, "no route", now);
  submit(1);
  const auto items = sink.all();
  ASSERT_EQ(items.size(), 3U);
  for (const Completion* item : items) {
    EXPECT_EQ(item->outcome, PROC_OUTCOME_DISCONNECTED);
    EXPECT_EQ(item->delivery, PROC_DELIVERY_NOT_SENT);
    EXPECT_EQ(item->payload, "no route");
  }
}

TEST_F(EngineTest, WaitsWhileUnreachableByDefault) {
  submit(2);
  engine().set_reachable(false, "no route", now);
  EXPECT_TRUE(sink.all().empty());
}

TEST_F(EngineTest, ALateAnswerIsAnOrphan) {  // H9
  open();
  submit(2, "\x0a\x01n", seconds(1));
  pull();
  const auto batch = next_batch();
  engine().cancel(1, now);
  now += seconds(2);
  engine().end_due(now);
  receive(answer_to(*batch));
  const auto items = sink.all();
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0]->outcome, PROC_OUTCOME_CANCELLED);
  EXPECT_EQ(items[1]->outcome, PROC_OUTCOME_TIMEOUT);
  EXPECT_EQ(items[0]->delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(items[2]->request, nullptr);
  EXPECT_EQ(items[2]->request_id, 1U);
  EXPECT_EQ(items[3]->request_id, 2U);
  allocation::AllocationResponse response;
  ASSERT_TRUE(response.ParseFromString(std::string(items[2]->payload)));
  EXPECT_EQ(response.gameservername(), "gs-1");
  EXPECT_EQ(counters.orphans.get(), 2U);
}

TEST_F(EngineTest, ALateRefusalIsNoOrphan) {
  open();
  submit(1, "\x0a\x01n", seconds(1));
  pull();
  auto answer = answer_to(*next_batch());
  answer.mutable_batch_response()->mutable_responses(0)->mutable_error()->set_code(8);
  now += seconds(2);
  engine().end_due(now);
  receive(answer);
  EXPECT_EQ(sink.all().size(), 1U);
  EXPECT_EQ(counters.orphans.get(), 0U);
}

TEST_F(EngineTest, WhoGaveUpIsNotSent) {  // H10
  open();
  submit(1, "\x0a\x01n", seconds(1));
  submit(1);
  submit(1);
  engine().cancel(3, now);
  now += seconds(1);
  pull();
  const auto batch = next_batch();
  ASSERT_EQ(batch->requests_size(), 1);
  EXPECT_EQ(batch->requests(0).request_id(), "2");
  EXPECT_EQ(sink.all()[0]->outcome, PROC_OUTCOME_CANCELLED);
  EXPECT_EQ(sink.all()[1]->outcome, PROC_OUTCOME_TIMEOUT);
  EXPECT_EQ(sink.all()[1]->delivery, PROC_DELIVERY_NOT_SENT);
}

TEST_F(EngineTest, ASecondAnswerIsDropped) {
  open();
  submit();
  pull();
  const auto answer = answer_to(*next_batch());
  receive(answer);
  receive(answer);
  EXPECT_EQ(sink.all().size(), 1U);
  EXPECT_EQ(counters.duplicate_answers.get(), 1U);
  EXPECT_EQ(sink.warnings.size(), 1U);
}

TEST_F(EngineTest, ASecondOrphanIsDropped) {
  open();
  submit();
  pull();
  const auto answer = answer_to(*next_batch());
  engine().cancel(1, now);
  receive(answer);
  receive(answer);
  EXPECT_EQ(counters.orphans.get(), 1U);
}

TEST_F(EngineTest, AReplacedStreamMayStillBringOrphans) {
  open();
  submit(3);
  pull();
  const auto batch = next_batch();
  ASSERT_TRUE(batch);
  engine().cancel(1, now);
  EXPECT_TRUE(engine().stream_replaced(stream, "stuck", now));
  ASSERT_EQ(sink.all().size(), 3U);
  EXPECT_EQ(sink.all().back()->outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(sink.all().back()->delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(counters.late_answers.get(), 3U);
  // Meanwhile there is another one, which neither its pulls nor its answers touch.
  open();
  submit(1);
  allocation::ProcessorMessage message;
  message.mutable_pull();
  EXPECT_TRUE(engine().receive_late(1, message.SerializeAsString(), now));
  EXPECT_FALSE(next_batch());

  const auto late = answer_to(*batch).SerializeAsString();
  EXPECT_FALSE(engine().receive_late(1, late, now)) << "that was all";
  EXPECT_EQ(counters.orphans.get(), 3U);
  EXPECT_EQ(counters.late_answers.get(), 0U);
  for (std::size_t i = 3; i < 6; ++i) {
    EXPECT_EQ(sink.all()[i]->request, nullptr);
    EXPECT_EQ(sink.all()[i]->request_id, i - 2);
  }
  EXPECT_FALSE(engine().receive_late(1, late, now));
  EXPECT_EQ(counters.orphans.get(), 3U) << "each once";
  EXPECT_EQ(engine().unsent(), 1U);
}

TEST_F(EngineTest, AReplacedStreamThatOwesNothingIsNotAwaited) {
  open();
  submit(1);
  pull();
  const auto batch = next_batch();
  receive(answer_to(*batch));
  EXPECT_FALSE(engine().stream_replaced(stream, "not pulled", now));
  EXPECT_EQ(sink.all().size(), 1U);
}

TEST_F(EngineTest, AReplacedStreamIsNotAwaitedAfterItsEnd) {
  for (const bool garbage : {true, false}) {
    open();
    submit(1);
    pull();
    const auto batch = next_batch();
    ASSERT_TRUE(batch);
    ASSERT_TRUE(engine().stream_replaced(stream, "stuck", now));
    if (garbage) {
      EXPECT_FALSE(engine().receive_late(stream, "\xff", now));
      EXPECT_EQ(counters.malformed_messages.get(), 1U);
    }
    engine().late_stream_closed(stream);
    EXPECT_EQ(counters.late_answers.get(), 0U);
    EXPECT_FALSE(engine().receive_late(stream, answer_to(*batch).SerializeAsString(), now));
    EXPECT_EQ(counters.orphans.get(), 0U);
  }
}

TEST_F(EngineTest, WhatIsSentAgainMayBringAnOrphanFromTheReplacedStream) {
  config.resend = true;
  open();
  submit(1);
  pull();
  const auto first = next_batch();
  ASSERT_TRUE(engine().stream_replaced(stream, "stuck", now));
  open();
  pull();
  const auto again = next_batch();
  ASSERT_TRUE(again);
  EXPECT_FALSE(engine().receive_late(1, answer_to(*first).SerializeAsString(), now));
  EXPECT_EQ(counters.orphans.get(), 1U);
  receive(answer_to(*again));
  ASSERT_EQ(sink.all().size(), 2U);
  EXPECT_EQ(sink.all()[0]->request, nullptr);
  EXPECT_EQ(sink.all()[1]->outcome, PROC_OUTCOME_ALLOCATED);
}

TEST_F(EngineTest, AnAnswerToAnIdNeverGivenOutIsAnOrphanOfNobody) {
  open();
  submit();
  pull();
  auto answer = answer_to(*next_batch());
  for (const char* id : {"nobody", "ffff", "01", "", "1 "}) {
    auto* extra = answer.mutable_batch_response()->add_responses();
    extra->set_request_id(id);
    extra->mutable_response()->set_gameservername("stray");
  }
  receive(answer);
  EXPECT_EQ(counters.unknown_answers.get(), 5U);
  ASSERT_EQ(sink.all().size(), 6U);
  EXPECT_EQ(sink.all()[1]->request_id, 0U);
  EXPECT_EQ(sink.all()[1]->request, nullptr);
}

TEST_F(EngineTest, ErrorsCarryCodeAndText) {
  open();
  submit(3);
  pull();
  auto answer = answer_to(*next_batch());
  auto& responses = *answer.mutable_batch_response()->mutable_responses();
  responses[0].mutable_error()->set_code(8);
  responses[0].mutable_error()->set_message("none left");
  responses[1].clear_result();
  responses[2].mutable_response()->clear_gameservername();
  receive(answer);
  const auto items = sink.all();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0]->outcome, PROC_OUTCOME_REJECTED);
  EXPECT_EQ(items[0]->code, 8);
  EXPECT_EQ(items[0]->payload, "none left");
  EXPECT_EQ(items[0]->delivery, PROC_DELIVERY_DONE);
  EXPECT_EQ(items[1]->code, 13);
  EXPECT_EQ(items[2]->code, 13);
}

TEST_F(EngineTest, WhatABatchsAnswerLacksEndsAtOnce) {
  open();
  submit(3);
  pull();
  const auto batch = next_batch();
  auto answer = answer_to(*batch);
  answer.mutable_batch_response()->mutable_responses()->RemoveLast();
  receive(answer);
  ASSERT_EQ(sink.all().size(), 3U);
  EXPECT_EQ(sink.all()[2]->request_id, 3U);
  EXPECT_EQ(sink.all()[2]->outcome, PROC_OUTCOME_DISCONNECTED);
  EXPECT_EQ(sink.all()[2]->delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(sink.warnings.size(), 1U);
  EXPECT_EQ(counters.late_answers.get(), 1U);
  // Should it come after all, its game server is not lost.
  const auto late = answer_to(*batch);
  EXPECT_EQ(engine().receive(stream, late.SerializeAsString(), now), Received::kNothing) << "a batch is answered once";
  EXPECT_EQ(counters.orphans.get(), 1U);
  EXPECT_EQ(counters.batches_answered.get(), 1U);
}

TEST_F(EngineTest, BatchesAnsweredInPartAreNotRememberedForEver) {
  config.max_batch_size = 1;
  open();
  constexpr std::size_t kBatches = StreamLedger::kMostIncomplete + 10;
  submit(kBatches);
  pull();
  for (std::size_t i = 0; i < kBatches; ++i) {
    auto answer = answer_to(*next_batch());
    answer.mutable_batch_response()->clear_responses();
    receive(answer);
  }
  EXPECT_EQ(sink.all().size(), kBatches);
  EXPECT_EQ(counters.late_answers.get(), StreamLedger::kMostIncomplete);
  EXPECT_EQ(counters.late_answers_forgotten.get(), 10U);
}

TEST_F(EngineTest, AnAnswerToNoBatchOfOursCountsForNone) {
  open();
  submit(1);
  pull();
  auto answer = answer_to(*next_batch());
  answer.mutable_batch_response()->set_batch_id("77");
  answer.mutable_batch_response()->clear_responses();
  EXPECT_EQ(engine().receive(stream, answer.SerializeAsString(), now), Received::kNothing);
  EXPECT_EQ(counters.batches_answered.get(), 0U);
  EXPECT_EQ(engine().in_flight(), 1U);
}

TEST_F(EngineTest, WhatWasEverSentIsNeverNotSent) {
  config.resend = true;
  open();
  submit(4, "\x0a\x01n", seconds(10));
  pull();
  ASSERT_TRUE(next_batch());
  submit(1, "\x0a\x01n", seconds(10));
  engine().stream_lost(stream, "gone", now);
  EXPECT_EQ(engine().unsent(), 5U);
  engine().cancel(1, now);
  now += seconds(10);
  engine().end_due(now);
  const auto items = sink.all();
  ASSERT_EQ(items.size(), 5U);
  for (const Completion* item : items) {
    EXPECT_EQ(item->delivery, item->request_id == 5 ? PROC_DELIVERY_NOT_SENT : PROC_DELIVERY_UNKNOWN);
  }
}

TEST_F(EngineTest, AHandOverDoesNotCallUnsentWhatWasSent) {
  config.resend = true;
  open();
  submit(1);
  pull();
  ASSERT_TRUE(next_batch());
  engine().stream_lost(stream, "gone", now);
  engine().return_unsent(now);
  ASSERT_EQ(sink.all().size(), 1U);
  EXPECT_EQ(sink.all()[0]->outcome, PROC_OUTCOME_SHUTDOWN);
  EXPECT_EQ(sink.all()[0]->delivery, PROC_DELIVERY_UNKNOWN);
}

TEST_F(EngineTest, SendsNothingWhileTooMuchWaitsToBePolled) {
  config.max_unpolled_bytes = 1000;
  open();
  submit(2);
  pull();
  sink.unpolled = 1000;
  EXPECT_FALSE(next_batch());
  EXPECT_FALSE(next_batch());
  EXPECT_EQ(sink.warnings.size(), 1U);
  sink.unpolled = 999;
  EXPECT_TRUE(next_batch());
}

TEST_F(EngineTest, ATimeoutOfWhatWasNotSentSaysWhatItWaitedFor) {
  const auto reason = [&] {
    submit(1);
    now += seconds(60);
    engine().end_due(now);
    const Completion& last = *sink.all().back();
    EXPECT_EQ(last.outcome, PROC_OUTCOME_TIMEOUT);
    EXPECT_EQ(last.delivery, PROC_DELIVERY_NOT_SENT);
    return std::string(last.payload);
  };
  config.max_unpolled_bytes = 1000;
  EXPECT_EQ(reason(), "nobody is there");
  open();
  EXPECT_EQ(reason(), "waiting for a pull of the processor");
  sink.unpolled = 1000;
  submit(1);
  pull();
  EXPECT_FALSE(next_batch());
  EXPECT_EQ(reason(), "nothing is sent until the host polls: results of more than max_unpolled_bytes wait");
  sink.unpolled = 0;
  // One under way, and answered by nobody; pulls go on.
  submit(1);
  pull();
  ASSERT_TRUE(next_batch());
  submit(1);
  now += seconds(60);
  pull();
  engine().end_due(now);
  std::map<proc_delivery, std::string> reasons;
  for (const Completion* ended : sink.all()) {
    reasons[ended->delivery] = ended->payload;
  }
  EXPECT_EQ(reasons.at(PROC_DELIVERY_UNKNOWN), "");
  EXPECT_EQ(reasons.at(PROC_DELIVERY_NOT_SENT), "the processor is busy with requests that were sent before");
}

TEST_F(EngineTest, OrphansOfNobodyAreDroppedWhenTooMuchWaits) {
  config.max_unpolled_bytes = 1000;
  open();
  submit(1);
  pull();
  auto answer = answer_to(*next_batch());
  auto* extra = answer.mutable_batch_response()->add_responses();
  extra->set_request_id("nobody");
  extra->mutable_response()->set_gameservername("stray");
  sink.unpolled = 1000;
  receive(answer);
  EXPECT_EQ(counters.orphans.get(), 0U);
  EXPECT_EQ(counters.orphans_dropped.get(), 1U);
  EXPECT_EQ(sink.all().size(), 1U) << "what was asked for is never dropped";
}

TEST_F(EngineTest, KeepsOfALongMessageWhatIsNeeded) {
  open();
  submit(2);
  pull();
  auto answer = answer_to(*next_batch());
  answer.mutable_batch_response()->mutable_responses(1)->mutable_error()->set_message("no");
  // Unknown to the contract: field 15 of the first wrapper.
  auto* wrapper = answer.mutable_batch_response()->mutable_responses(0);
  wrapper->GetReflection()->MutableUnknownFields(wrapper)->AddLengthDelimited(15)->assign(1 << 20, 'x');
  receive(answer);
  ASSERT_EQ(sink.blocks.size(), 1U);
  EXPECT_LT(sink.blocks[0]->bytes(), 10'000U);
  allocation::AllocationResponse response;
  ASSERT_TRUE(response.ParseFromString(std::string(sink.all()[0]->payload)));
  EXPECT_EQ(response.gameservername(), "gs-1");
  EXPECT_EQ(sink.all()[1]->payload, "no");
}

TEST_F(EngineTest, RefusesMoreAnswersThanABatchCanHave) {
  open();
  submit(1);
  pull();
  ASSERT_TRUE(next_batch());
  allocation::ProcessorMessage message;
  for (int i = 0; i < 5000; ++i) {
    message.mutable_batch_response()->add_responses();
  }
  EXPECT_EQ(engine().receive(stream, message.SerializeAsString(), now), Received::kMalformed);
  EXPECT_STREQ(engine().malformation(), "more answers than a batch has requests");
  EXPECT_EQ(engine().in_flight(), 1U);
}

TEST_F(EngineTest, RefusesAnAnswerThatNoGameServerCanHave) {
  open();
  submit(1);
  pull();
  auto answer = answer_to(*next_batch());
  for (int i = 0; i < 20'000; ++i) {
    answer.mutable_batch_response()->mutable_responses(0)->mutable_response()->add_ports();
  }
  EXPECT_EQ(engine().receive(stream, answer.SerializeAsString(), now), Received::kMalformed);
  EXPECT_STREQ(engine().malformation(), "an answer of more than 16384 fields");
}

TEST_F(EngineTest, OfAMalformedMessageNothingIsUsed) {
  open();
  submit();
  pull();
  std::string bytes = answer_to(*next_batch()).SerializeAsString();
  EXPECT_EQ(engine().receive(stream, bytes.substr(0, bytes.size() - 1), now), Received::kMalformed);
  EXPECT_TRUE(sink.all().empty());
  EXPECT_EQ(engine().receive(stream, "\xff\xff", now), Received::kMalformed);
  EXPECT_EQ(counters.malformed_messages.get(), 2U);
}

TEST_F(EngineTest, ReturnUnsentEndsAndRefusesWhatIsNotSent) {
  open();
  submit(1);
  pull();
  const auto batch = next_batch();
  submit(2);
  engine().return_unsent(now);
  submit(1);
  ASSERT_EQ(sink.all().size(), 3U);
  for (const Completion* item : sink.all()) {
    EXPECT_EQ(item->outcome, PROC_OUTCOME_SHUTDOWN);
    EXPECT_EQ(item->delivery, PROC_DELIVERY_NOT_SENT);
    EXPECT_EQ(item->request->encoded(),
              "\x0a\x07"
              "default");
  }
  receive(answer_to(*batch));
  EXPECT_EQ(sink.all().back()->outcome, PROC_OUTCOME_ALLOCATED);
}

TEST_F(EngineTest, GiveUpEndsWhatIsInFlight) {
  open();
  submit(2);
  pull();
  ASSERT_TRUE(next_batch());
  engine().give_up_in_flight(now);
  ASSERT_EQ(sink.all().size(), 2U);
  EXPECT_EQ(sink.all()[0]->outcome, PROC_OUTCOME_SHUTDOWN);
  EXPECT_EQ(sink.all()[0]->delivery, PROC_DELIVERY_UNKNOWN);
  EXPECT_EQ(engine().in_flight(), 0U);
}

TEST_F(EngineTest, ARequestIsCountedAsEndedBeforeItsResultIsPublished) {
  open();
  submit(4);
  pull();
  const auto batch = next_batch();
  ASSERT_TRUE(batch);
  std::uint64_t in_flight = 4;
  std::uint64_t late = 0;
  sink.on_completed = [&] {
    EXPECT_EQ(counters.in_flight.get(), in_flight);
    EXPECT_EQ(counters.late_answers.get(), late);
    EXPECT_EQ(counters.cancelled.get() + counters.timed_out.get() + counters.allocated.get(), 4 - in_flight);
  };
  in_flight = 3;
  late = 1;
  engine().cancel(1, now);
  in_flight = 0;
  late = 4;
  now += seconds(40);
  engine().end_due(now);
  // Four orphans: none of them is awaited any more.
  late = 0;
  receive(answer_to(*batch));
  EXPECT_EQ(sink.blocks.size(), 3U);
}

TEST_F(EngineTest, ReceivedCountsEverySubmission) {
  submit(7);
  EXPECT_EQ(engine().received(), 7U);
}

TEST_F(EngineTest, HandsOverWhatWasNeverSent) {
  open();
  submit(3);
  pull();
  ASSERT_TRUE(next_batch());
  submit(2);
  engine().hand_over_unsent(now);
  ASSERT_EQ(sink.blocks.size(), 1U);
  EXPECT_EQ(sink.blocks[0]->kind, QueuedEvent::Kind::kHandedOver);
  ASSERT_EQ(sink.blocks[0]->items.size(), 2U);
  EXPECT_EQ(sink.blocks[0]->items[0].request_id, 4U);
  EXPECT_EQ(engine().in_flight(), 3U) << "what was sent is awaited";
  EXPECT_EQ(counters.handed_over.get(), 2U);
  EXPECT_EQ(counters.shut_down.get(), 0U);
  // What still comes in goes the same way.
  submit(1);
  EXPECT_EQ(engine().unsent(), 0U);
  EXPECT_EQ(counters.handed_over.get(), 3U);
}

TEST_F(EngineTest, WhatWasSentOnceIsNotHandedOver) {
  config.resend = true;
  open();
  submit(1);
  pull();
  ASSERT_TRUE(next_batch());
  engine().stream_lost(stream, "gone", now);
  submit(1);
  engine().hand_over_unsent(now);
  EXPECT_EQ(counters.handed_over.get(), 1U);
  EXPECT_EQ(engine().unsent(), 1U) << "it is sent again from here";
  open();
  pull();
  ASSERT_TRUE(next_batch());
}

}  // namespace
}  // namespace agones::plugin
