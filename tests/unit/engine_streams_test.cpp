// SPDX-License-Identifier: Apache-2.0
// The engine on several streams at a time, on a clock that the test holds.
#include <allocation/processor.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace agones::plugin {
namespace {

using std::chrono::seconds;

class Sink : public EngineSink {
 public:
  void completed(std::unique_ptr<CompletionBlock> block) noexcept override {
    for (const Completion& item : block->items) {
      ended.push_back(
          {item.request_id, item.request == nullptr, item.outcome, item.delivery, std::string(item.payload)});
    }
  }
  void log(LogEntry /*entry*/) noexcept override {}
  std::uint64_t unpolled_bytes() const noexcept override { return 0; }

  struct Ended {
    std::uint64_t id;
    bool orphan;
    proc_outcome outcome;
    proc_delivery delivery;
    std::string payload;
  };
  std::vector<Ended> ended;
};

class EngineStreams : public testing::Test {
 protected:
  EngineStreams() {
    config.max_batch_size = 2;
    config.fixed_batches = true;
    config.max_streams = 4;
  }

  Engine& engine() {
    if (!engine_) {
      engine_.emplace(config, now, counters, metrics, sink);
    }
    return *engine_;
  }
  void open(std::uint64_t stream) {
    engine().stream_opened(stream, "client." + std::to_string(stream), now);
    pull(stream);
  }
  void submit(std::size_t count, Duration timeout = seconds(30)) {
    for (std::size_t i = 0; i < count; ++i) {
      RequestPtr request = Request::create("\x0a\x01n", {}, 0, now, now + timeout);
      request->id = ++last_id_;
      engine().submit(std::move(request));
    }
  }
  void pull(std::uint64_t stream) {
    allocation::ProcessorMessage message;
    message.mutable_pull();
    EXPECT_EQ(engine().receive(stream, message.SerializeAsString(), now), Received::kPull);
  }
  // The requests of the next batch on the stream; empty if there is none.
  std::vector<std::string> send(std::uint64_t stream) {
    const auto batch = engine().next_batch(stream, now);
    std::vector<std::string> ids;
    if (batch) {
      allocation::ProcessorMessage message;
      EXPECT_TRUE(message.ParseFromString(batch->message));
      EXPECT_EQ(message.client_id(), "client." + std::to_string(stream));
      for (const auto& wrapper : message.batch_request().requests()) {
        ids.push_back(wrapper.request_id());
      }
      batches_[stream] = message.batch_request();
    }
    return ids;
  }
  // To the last batch that was sent on `of`.
  std::string answer(std::uint64_t of) const {
    const auto& batch = batches_.at(of);
    allocation::ProcessorMessage message;
    message.mutable_batch_response()->set_batch_id(batch.batch_id());
    for (const auto& wrapper : batch.requests()) {
      auto* response = message.mutable_batch_response()->add_responses();
      response->set_request_id(wrapper.request_id());
      response->mutable_response()->set_gameservername("gs-" + wrapper.request_id());
    }
    return message.SerializeAsString();
  }

  Engine::Config config;
  Counters counters;
  Metrics metrics;
  Sink sink;
  TimePoint now{std::chrono::hours(1)};

 private:
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, allocation::BatchRequest> batches_;
  std::optional<Engine> engine_;
};

using Ids = std::vector<std::string>;

TEST_F(EngineStreams, EachHasABatchOfItsOwn) {
  open(1);
  open(2);
  submit(6);
  pull(1);
  EXPECT_EQ(send(1), (Ids{"1", "2"}));
  EXPECT_EQ(send(1), Ids{}) << "one at a time on each";
  EXPECT_EQ(send(2), (Ids{"3", "4"}));
  EXPECT_EQ(engine().receive(2, answer(2), now), Received::kAnswers);
  EXPECT_EQ(sink.ended.size(), 2U);
  EXPECT_EQ(send(1), Ids{});
  EXPECT_EQ(send(2), (Ids{"5", "6"})) << "the other is not held up";
}

TEST_F(EngineStreams, NothingGoesOnOneThatWasNotPulled) {  // H4
  open(1);
  engine().stream_opened(2, "client.2", now);
  submit(4);
  pull(1);
  EXPECT_EQ(send(2), Ids{});
  EXPECT_EQ(send(1).size(), 2U);
  pull(2);
  EXPECT_EQ(send(2).size(), 2U);
}

TEST_F(EngineStreams, OneWhosePullsAreOverdueIsLeftAlone) {  // H11
  open(1);
  open(2);
  for (int i = 0; i < 4; ++i) {
    now += milliseconds(200);
    pull(2);
  }
  submit(4);
  EXPECT_EQ(send(1), Ids{});
  EXPECT_EQ(send(2).size(), 2U);
}

TEST_F(EngineStreams, BetweenPullsTheyShareOnePace) {
  open(1);
  open(2);
  submit(2);
  EXPECT_EQ(send(1).size(), 2U);
  submit(2);
  EXPECT_EQ(send(2), Ids{}) << "a little apart";
  ASSERT_TRUE(engine().next_send(now));
  now = *engine().next_send(now);
  EXPECT_EQ(send(2).size(), 2U);
}

TEST_F(EngineStreams, OneThatIsLostEndsItsOwnAlone) {  // H8
  open(1);
  open(2);
  submit(5);
  pull(1);
  send(1);
  send(2);
  engine().stream_lost(1, "gone", now);
  ASSERT_EQ(sink.ended.size(), 2U);
  for (const auto& ended : sink.ended) {
    EXPECT_LE(ended.id, 2U);
    EXPECT_EQ(ended.outcome, PROC_OUTCOME_DISCONNECTED);
    EXPECT_EQ(ended.delivery, PROC_DELIVERY_UNKNOWN);
    EXPECT_EQ(ended.payload, "gone");
  }
  EXPECT_EQ(engine().in_flight(), 2U);
  EXPECT_EQ(counters.open_streams.get(), 1U);
  EXPECT_EQ(engine().receive(2, answer(2), now), Received::kAnswers);
  EXPECT_EQ(sink.ended.back().outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(send(2), Ids{"5"}) << "its pulls go on";
}

TEST_F(EngineStreams, AllOfThemEndAll) {
  open(1);
  open(2);
  submit(5);
  pull(1);
  send(1);
  send(2);
  engine().all_streams_lost("own failure", now);
  EXPECT_EQ(sink.ended.size(), 4U);
  EXPECT_EQ(engine().in_flight(), 0U);
  EXPECT_EQ(engine().unsent(), 1U);
  EXPECT_EQ(counters.open_streams.get(), 0U);
  open(3);
  EXPECT_EQ(send(3), Ids{"5"});
}

TEST_F(EngineStreams, AReplacedOneMayStillBringOrphansWhileTheOthersGoOn) {  // H9
  open(1);
  open(2);
  submit(5);
  pull(1);
  send(1);
  send(2);
  EXPECT_TRUE(engine().stream_replaced(1, "not pulled", now));
  EXPECT_EQ(sink.ended.size(), 2U);
  EXPECT_EQ(counters.late_answers.get(), 2U);
  EXPECT_EQ(engine().receive(2, answer(2), now), Received::kAnswers);
  EXPECT_EQ(counters.orphans.get(), 0U);
  EXPECT_FALSE(engine().receive_late(1, answer(1), now));
  EXPECT_EQ(counters.orphans.get(), 2U);
  EXPECT_TRUE(sink.ended.back().orphan);
  EXPECT_EQ(counters.late_answers.get(), 0U);
  engine().late_stream_closed(1);
  EXPECT_EQ(send(2), Ids{"5"});
}

TEST_F(EngineStreams, ABatchWhoseRequestsGaveUpBlocksItsOwnStreamAlone) {  // H17
  open(1);
  open(2);
  submit(2, seconds(1));
  pull(1);
  send(1);
  now += seconds(1);
  engine().end_due(now);
  ASSERT_EQ(sink.ended.size(), 2U);
  EXPECT_EQ(sink.ended[0].outcome, PROC_OUTCOME_TIMEOUT);
  pull(1);
  pull(2);
  submit(2);
  pull(1);
  EXPECT_EQ(send(1), Ids{}) << "the processor still works on it";
  EXPECT_EQ(send(2), (Ids{"3", "4"})) << "what has time left is not starved";
  EXPECT_EQ(engine().receive(1, answer(1), now), Received::kAnswers);
  EXPECT_EQ(counters.orphans.get(), 2U);
}

TEST_F(EngineStreams, AnAnswerOnAnotherStreamIsNotLost) {
  open(1);
  open(2);
  submit(2);
  pull(1);
  send(1);
  engine().cancel(1, now);
  EXPECT_EQ(engine().receive(2, answer(1), now), Received::kNothing) << "no batch of this stream";
  EXPECT_EQ(counters.orphans.get(), 1U);
  EXPECT_EQ(counters.allocated.get(), 1U);
  EXPECT_EQ(engine().in_flight(), 0U);
}

TEST_F(EngineStreams, WhatWasLostOnOneIsSentAgainOnAnotherIfAsked) {  // H14
  config.resend = true;
  open(1);
  open(2);
  submit(3);
  pull(1);
  send(1);
  engine().stream_lost(1, "gone", now);
  EXPECT_TRUE(sink.ended.empty());
  pull(2);
  EXPECT_EQ(send(2), (Ids{"1", "2"})) << "in front of what waits";
}

TEST_F(EngineStreams, WhatWasLearnedOfAProcessorHoldsForTheNextLeader) {
  config.fixed_batches = false;
  config.max_batch_size = 10'000;
  open(1);
  const std::size_t first = engine().window().size();
  for (int i = 0; i < 20; ++i) {
    submit(engine().window().size());
    pull(1);
    while (!send(1).empty()) {
      now += milliseconds(50);
      pull(1);
      engine().receive(1, answer(1), now);
    }
  }
  const std::size_t learned = engine().window().size();
  EXPECT_GT(learned, 2 * first);
  engine().stream_lost(1, "gone", now);
  EXPECT_EQ(engine().window().size(), learned);
  EXPECT_EQ(counters.window.get(), 0U) << "not connected";
}

TEST_F(EngineStreams, OneThatIsLostLooksAtItsOwnRequestsAlone) {
  config.max_batch_size = 3;
  open(1);
  open(2);
  submit(6);
  pull(1);
  send(1);
  send(2);
  engine().cancel(2, now);
  engine().stream_lost(1, "gone", now);
  ASSERT_EQ(sink.ended.size(), 3U);
  EXPECT_EQ(sink.ended[1].id, 1U) << "in the order they were sent";
  EXPECT_EQ(sink.ended[2].id, 3U);
  EXPECT_EQ(engine().in_flight(), 3U);
}

TEST_F(EngineStreams, MoreAreWantedOnlyForWhatWaits) {
  open(1);
  EXPECT_EQ(engine().streams_wanted(now), 1U);
  submit(2);
  pull(1);
  send(1);
  now += seconds(1);
  EXPECT_EQ(engine().streams_wanted(now), 1U) << "nothing waits";
  EXPECT_TRUE(engine().would_open_stream(now));
  submit(1);
  EXPECT_EQ(engine().streams_wanted(now), 2U) << "one for each that waits";
  submit(10);
  EXPECT_EQ(engine().streams_wanted(now), 4U) << "max_streams";
}

TEST_F(EngineStreams, TheLastOneIsNeverIdle) {
  open(1);
  open(2);
  now += seconds(31);
  EXPECT_EQ(engine().idle_stream(now), 2U);
  engine().stream_lost(2, "not needed", now);
  EXPECT_FALSE(engine().idle_stream(now));
  open(3);
  submit(2);
  pull(1);
  pull(3);
  send(3);
  now += seconds(31);
  EXPECT_EQ(engine().idle_stream(now), 1U) << "not one that is awaited";
}

}  // namespace
}  // namespace agones::plugin
