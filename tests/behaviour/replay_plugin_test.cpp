// SPDX-License-Identifier: Apache-2.0
// The recorded conversations against the plugin: this plays the processor and the callers. The plugin must say what Agones' own client
// said, in the same order; what it does otherwise, on purpose:
//
//   - its streams have ids of their own, which begin with the client's, since one that is used twice is forgotten when either ends (15)
//   - it sizes batches by what the processor does and opens further streams; not here (fixed_batches, max_streams)
//   - it watches health instead of asking again and again
//   - the next batch of a stream waits for the answer to the one before (10), so that a slow batch holds up nobody's time to be sent
//   - a pull that finds nothing is kept, and what comes later is sent at once. Such pulls are not played where callers come after them.
//   - an error of code 0, which gives a caller of Agones' client nothing at all, and an answer that names no game server are refusals (16)
//   - a game server that is given to an id that nobody asked for is an orphan (16)
#include <agones/processor.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "behaviour/recorded.h"
#include "behaviour/replay.h"
#include "behaviour/staged_processor.h"
#include "support/plugin.h"

namespace agones::test {
namespace {

using allocation::BatchRequest;
using allocation::ProcessorMessage;
using Kind = WireEvent::Kind;

constexpr int kDeadlineExceeded = 4;
constexpr int kUnavailable = 14;
constexpr char kTimeoutText[] = "allocation timeout after ";

class PluginReplay {
 public:
  explicit PluginReplay(const Transcript& transcript)
      : transcript_(transcript),
        processor_(std::make_unique<StagedProcessor>()),
        client_(processor_->address(), [](proc_config& config) {
          config.client_id = text("host-1");
          config.batches_per_pull = 1;
          config.fixed_batches = 1;
          config.max_streams = 1;
          config.reconnect_max_ms = 300;
          config.allocation_timeout_ms = 60'000;
        }) {}

  void run() {
    for (at_ = 0; at_ < transcript_.events.size() && !testing::Test::HasFailure(); ++at_) {
      SCOPED_TRACE(transcript_.name + ", event " + std::to_string(at_));
      play(transcript_.events[at_]);
    }
    EXPECT_FALSE(processor_->has_message()) << "more than the recording has";
    EXPECT_EQ(client_.results.size(), calls_.size());
    EXPECT_TRUE(client_.poll_until([&] { return client_.orphans.size() >= orphans_; }));
    EXPECT_EQ(client_.orphans.size(), orphans_);
  }

 private:
  void play(const WireEvent& event) {
    if (event.of_health()) {
      bring_about_health(event);
    } else if (event.kind == Kind::kAsk) {
      ask(event);
    } else if (event.kind == Kind::kAnswer) {
      expect_answer(event);
    } else if (event.kind == Kind::kEnd && event.code == kUnavailable) {
      processor_.reset();
    } else if (event.kind == Kind::kMessage) {
      const ProcessorMessage message = parsed(event.bytes);
      event.from_client ? expect(message) : send(message);
    }
  }

  void bring_about_health(const WireEvent& event) {
    if (event.from_client) {
      return;
    }
    const bool serving = event.json.at("status") == "SERVING";
    if (processor_ == nullptr) {
      processor_ = std::make_unique<StagedProcessor>(client_address_, serving);
    }
    processor_->set_serving(serving);
  }

  void ask(const WireEvent& event) {
    client_address_ = processor_ != nullptr ? processor_->address() : client_address_;
    const std::uint64_t id = client_.allocate(event.json.dump(), timeout_of(event.call));
    ASSERT_NE(id, 0U) << client_.last_refusal.error;
    calls_[event.call] = id;
  }

  // The caller's patience, as its end tells it.
  std::uint32_t timeout_of(const std::string& call) const {
    for (const WireEvent& event : transcript_.events) {
      if (event.kind == Kind::kAnswer && event.call == call && event.text.rfind(kTimeoutText, 0) == 0) {
        return static_cast<std::uint32_t>(std::stoul(event.text.substr(sizeof(kTimeoutText) - 1)));
      }
    }
    return 0;
  }

  void expect_answer(const WireEvent& event) {
    const std::uint64_t id = calls_.at(event.call);
    const Event* result = nullptr;
    ASSERT_TRUE(client_.poll_until([&] {
      const auto found = std::find_if(client_.results.begin(), client_.results.end(),
                                      [id](const Event& one) { return one.request_id == id; });
      result = found == client_.results.end() ? nullptr : &*found;
      return result != nullptr;
    })) << event.call;
    if (event.code == kDeadlineExceeded) {
      EXPECT_EQ(result->outcome, PROC_OUTCOME_TIMEOUT);
      timed_out_ = true;
    } else if (event.code != 0) {
      EXPECT_EQ(result->outcome, PROC_OUTCOME_REJECTED) << event.call;
      EXPECT_EQ(result->code, event.code) << event.call;
      EXPECT_TRUE(result->message == event.text || event.text == "empty response from processor") << result->message;
    } else if (event.text == "neither a response nor an error" || !event.json.contains("gameServerName")) {
      EXPECT_EQ(result->outcome, PROC_OUTCOME_REJECTED);
    } else {
      ASSERT_EQ(result->outcome, PROC_OUTCOME_ALLOCATED) << event.call << ": " << result->message;
      allocation::AllocationResponse response;
      ASSERT_TRUE(response.ParseFromString(result->response));
      EXPECT_EQ(json_of(response), json_of(expected_response(event)));
    }
  }

  // What the processor said, which the real client passed on.
  static allocation::AllocationResponse expected_response(const WireEvent& event) {
    allocation::AllocationResponse response;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(event.json.dump(), &response).ok());
    return response;
  }
  static nlohmann::json json_of(const allocation::AllocationResponse& response) {
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(response, &json).ok());
    return nlohmann::json::parse(json);
  }

  void expect(const ProcessorMessage& expected) {
    if (expected.has_batch_request() && open_batches_ > 0) {
      deferred_.push_back(expected);
      return;
    }
    const auto message = processor_->next_message();
    ASSERT_TRUE(message.has_value()) << "expected " << expected.ShortDebugString();
    if (!expected.has_batch_request()) {
      EXPECT_EQ(message->client_id().rfind(expected.client_id() + "-", 0), 0U) << message->client_id();
      EXPECT_EQ(message->payload_case(), expected.payload_case());
      return;
    }
    expect_batch(expected.batch_request(), *message);
  }

  void expect_batch(const BatchRequest& expected, const ProcessorMessage& message) {
    const BatchRequest& batch = message.batch_request();
    EXPECT_FALSE(batch.batch_id().empty());
    ASSERT_EQ(batch.requests_size(), expected.requests_size()) << batch.ShortDebugString();
    ids_[expected.batch_id()] = batch.batch_id();
    for (int i = 0; i < batch.requests_size(); ++i) {
      EXPECT_EQ(batch.requests(i).request().ShortDebugString(), expected.requests(i).request().ShortDebugString());
      EXPECT_FALSE(batch.requests(i).request_id().empty());
      EXPECT_TRUE(ids_.emplace(expected.requests(i).request_id(), batch.requests(i).request_id()).second);
    }
    ++open_batches_;
  }

  void send(ProcessorMessage message) {
    if (message.has_pull() && !is_played(at_)) {
      return;
    }
    if (message.has_batch_response()) {
      auto& answer = *message.mutable_batch_response();
      answer.set_batch_id(ours(answer.batch_id()));
      for (auto& response : *answer.mutable_responses()) {
        orphans_ += ids_.count(response.request_id()) == 0 && response.has_response() ? 1 : 0;
        response.set_request_id(ours(response.request_id()));
      }
    }
    ASSERT_TRUE(processor_->send(message));
    if (!message.has_batch_response()) {
      return;
    }
    open_batches_ -= open_batches_ > 0 ? 1 : 0;
    orphans_ += timed_out_ ? 1 : 0;
    timed_out_ = false;
    if (!deferred_.empty()) {
      const ProcessorMessage next = deferred_.front();
      deferred_.pop_front();
      expect(next);
    }
  }

  std::string ours(const std::string& id) const {
    const auto found = ids_.find(id);
    return found == ids_.end() ? id : found->second;
  }

  // A pull that finds nothing is played only if nobody asks later.
  bool is_played(std::size_t pull) const {
    bool asked = false;
    for (std::size_t i = pull + 1; i < transcript_.events.size(); ++i) {
      const WireEvent& event = transcript_.events[i];
      asked = asked || event.kind == Kind::kAsk;
      if (event.kind != Kind::kMessage || event.of_health()) {
        continue;
      }
      const ProcessorMessage message = parsed(event.bytes);
      if (event.from_client && message.has_batch_request()) {
        return !asked;
      }
      if (message.has_pull()) {
        break;
      }
    }
    return !std::any_of(transcript_.events.begin() + static_cast<std::ptrdiff_t>(pull), transcript_.events.end(),
                        [](const WireEvent& event) { return event.kind == Kind::kAsk; });
  }

  const Transcript& transcript_;
  std::unique_ptr<StagedProcessor> processor_;
  Client client_;
  std::string client_address_;
  std::size_t at_ = 0;
  std::map<std::string, std::uint64_t> calls_;
  std::map<std::string, std::string> ids_;  // recorded -> the plugin's
  int open_batches_ = 0;
  std::deque<ProcessorMessage> deferred_;
  bool timed_out_ = false;
  std::size_t orphans_ = 0;
};

TEST(ReplayPlugin, SaysWhatAgonesClientSaid) {
  int played = 0;
  for (const Transcript& transcript : read_transcripts()) {
    if (transcript.real_client) {
      PluginReplay(transcript).run();
      ++played;
    }
  }
  EXPECT_EQ(played, 14);
}

}  // namespace
}  // namespace agones::test
