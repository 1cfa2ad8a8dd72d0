// SPDX-License-Identifier: Apache-2.0
// The recorded conversations against the local processor: this plays the client. What waits for time in a recording waits for a
// condition here: pulls come often, a slow batch is one that is held.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <memory>

#include "behaviour/replay.h"
#include "local-processor/local_processor.h"
#include "support/byte_call.h"
#include "support/wait.h"

namespace agones::test {
namespace {

using local::Faults;
using local::LocalProcessor;
using Kind = WireEvent::Kind;

constexpr char kStream[] = "/allocation.Processor/StreamBatches";
constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
constexpr int kUnavailable = 14;
constexpr int kFirstStream = 1;

class ProcessorReplay {
 public:
  explicit ProcessorReplay(const Transcript& transcript) : transcript_(transcript) { start("127.0.0.1:0", true); }

  void run() {
    for (at_ = 0; at_ < transcript_.events.size() && !testing::Test::HasFailure(); ++at_) {
      const WireEvent& event = transcript_.events[at_];
      SCOPED_TRACE(transcript_.name + ", event " + std::to_string(at_));
      if (event.kind == Kind::kAsk || event.kind == Kind::kAnswer) {
        continue;
      }
      event.from_client ? do_as_client(event) : expect(event);
    }
  }

 private:
  void start(const std::string& address, bool serving) {
    local::LocalProcessorOptions options;
    options.address = address;
    options.pull_interval = std::chrono::milliseconds(5);
    options.serving = serving;
    processor_ = std::make_unique<LocalProcessor>(options, std::make_shared<local::Fleet>(transcript_.servers));
    address_ = processor_->address();
  }

  void do_as_client(const WireEvent& event) {
    if (event.kind != Kind::kHeaders && calls_.count(event.stream) == 0) {
      return;  // it had ended
    }
    std::unique_ptr<ByteCall>& call = calls_[event.stream];
    switch (event.kind) {
      case Kind::kHeaders:
        if (event.method == kCheck) {
          bring_about_the_health_of(event.stream);
        }
        call = std::make_unique<ByteCall>(address_, event.method);
        break;
      case Kind::kMessage:
        if (parsed(event.bytes).has_batch_request() && pulls_before_answer(at_)) {
          hold();
        }
        EXPECT_TRUE(call->write(event.bytes));
        break;
      case Kind::kHalfClose:
        EXPECT_TRUE(call->half_close());
        break;
      default:
        calls_.erase(event.stream);
        note_whether_forgotten();
    }
  }

  void expect(const WireEvent& event) {
    ByteCall& call = *calls_[event.stream];
    if (event.kind == Kind::kEnd) {
      expect_end(event, call);
      calls_.erase(event.stream);
    } else if (event.of_health()) {
      EXPECT_EQ(call.read(), event.bytes);
    } else {
      expect_message(parsed(event.bytes), call);
    }
  }

  void expect_end(const WireEvent& event, ByteCall& call) {
    if (event.code == kUnavailable && processor_ != nullptr) {
      // It ends in the middle of a stream.
      processor_.reset();
      EXPECT_FALSE(call.finish().ok());
      return;
    }
    const grpc::Status status = call.finish();
    EXPECT_EQ(status.error_code(), event.code);
    if (event.code != kUnavailable) {
      EXPECT_EQ(status.error_message(), event.text);
    }
  }

  void expect_message(const allocation::ProcessorMessage& expected, ByteCall& call) {
    if (expected.has_batch_response()) {
      release();
    }
    while (true) {
      const auto bytes = call.read();
      ASSERT_TRUE(bytes.has_value()) << "the stream ended";
      const allocation::ProcessorMessage message = parsed(*bytes);
      EXPECT_EQ(message.client_id(), expected.client_id());
      if (expected.has_pull()) {
        ASSERT_EQ(message.ShortDebugString(), expected.ShortDebugString());
        return;
      }
      if (!message.has_pull()) {  // more pulls than in the recording: they come oftener here
        EXPECT_EQ(difference(expected.batch_response(), message.batch_response(), transcript_), "");
        return;
      }
      ASSERT_GE(--pulls_allowed_, 0) << "pulled, though forgotten";
    }
  }

  // Down, standby, or leader, as its answer says.
  void bring_about_the_health_of(int stream) {
    for (std::size_t i = at_; i < transcript_.events.size(); ++i) {
      const WireEvent& event = transcript_.events[i];
      if (event.stream != stream || event.from_client) {
        continue;
      }
      if (event.kind == Kind::kEnd) {
        ASSERT_EQ(event.code, kUnavailable);
        processor_.reset();
        return;
      }
      const bool serving = event.json.at("status") == "SERVING";
      if (processor_ == nullptr) {
        start(address_, serving);
      }
      processor_->set_serving(serving);
      return;
    }
  }

  // Whether the recording has pulls between the batch and its answer: it was slow.
  bool pulls_before_answer(std::size_t batch) const {
    int answers_open = 0;
    for (std::size_t i = 0; i <= batch; ++i) {
      answers_open += is_batch(i) ? 1 : is_answer(i) ? -1 : 0;
    }
    bool pulls = false;
    for (std::size_t i = batch + 1; i < transcript_.events.size(); ++i) {
      if (is_answer(i) && --answers_open == 0) {
        return pulls;
      }
      pulls = pulls || is_pull(i);
    }
    return false;
  }
  bool is_message(std::size_t i) const {
    return transcript_.events[i].kind == Kind::kMessage && !transcript_.events[i].of_health();
  }
  bool is_batch(std::size_t i) const {
    return is_message(i) && parsed(transcript_.events[i].bytes).has_batch_request();
  }
  bool is_answer(std::size_t i) const {
    return is_message(i) && !transcript_.events[i].from_client &&
           parsed(transcript_.events[i].bytes).has_batch_response();
  }
  bool is_pull(std::size_t i) const {
    return is_message(i) && !transcript_.events[i].from_client && parsed(transcript_.events[i].bytes).has_pull();
  }

  // The first batch that is held has been worked on and is not answered; one behind it is not worked on.
  void hold() {
    Faults faults;
    faults.latency = std::chrono::hours(1);
    if (++held_ == 1) {
      processor_->set_faults(faults);
    }
  }
  void release() {
    if (held_ == 0) {
      return;
    }
    Faults faults;
    if (--held_ > 0) {
      faults.work = std::chrono::hours(1);
    }
    processor_->set_faults(faults);
  }

  // A stream that another one of its id had taken over has ended: nobody of that id is pulled any more.
  void note_whether_forgotten() {
    if (calls_.empty()) {
      return;
    }
    ByteCall& other = *calls_.begin()->second;
    ASSERT_TRUE(wait_until([&] { return processor_->counts().clients == 0; }));
    // What was pulled before comes before the answer to this.
    allocation::ProcessorMessage fence;
    fence.mutable_batch_request()->set_batch_id("fence");
    ASSERT_TRUE(other.write(fence.SerializeAsString()));
    while (!parsed(other.read().value()).has_batch_response()) {
    }
    // Another client sees that pulls go on.
    ByteCall witness(address_, kStream);
    fence.Clear();
    fence.set_client_id("witness");
    ASSERT_TRUE(witness.write(fence.SerializeAsString()));
    for (int round = 0; round < 5; ++round) {
      ASSERT_TRUE(witness.read().has_value());
    }
    pulls_allowed_ = 1;  // of the round that was under way
  }

  const Transcript& transcript_;
  std::unique_ptr<LocalProcessor> processor_;
  std::string address_;
  std::map<int, std::unique_ptr<ByteCall>> calls_;
  std::size_t at_ = 0;
  int held_ = 0;
  int pulls_allowed_ = INT_MAX;
};

TEST(ReplayProcessor, SaysWhatTheRealOneSaid) {
  int played = 0;
  for (const Transcript& transcript : read_transcripts()) {
    if (transcript.real_server && !transcript.tcp) {
      ProcessorReplay(transcript).run();
      ++played;
    }
  }
  EXPECT_EQ(played, 15);
}

// The very bytes of the real client's TCP connection.
class Socket {
 public:
  explicit Socket(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const timeval patience{kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void write(const std::string& bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void expect(const WireEvent& event, const Transcript& transcript) {
    if (event.stream == kFirstStream) {  // the health check
      EXPECT_EQ(next_message(), std::make_pair(event.stream, event.bytes));
      return;
    }
    const allocation::ProcessorMessage expected = parsed(event.bytes);
    while (true) {
      const auto [stream, bytes] = next_message();
      ASSERT_EQ(stream, event.stream);
      const allocation::ProcessorMessage message = parsed(bytes);
      if (expected.has_pull()) {
        ASSERT_EQ(message.ShortDebugString(), expected.ShortDebugString());
        return;
      }
      if (!message.has_pull()) {
        EXPECT_EQ(difference(expected.batch_response(), message.batch_response(), transcript), "");
        return;
      }
    }
  }

 private:
  // Waits for the next message; the stream 0: the connection has ended.
  std::pair<int, std::string> next_message() {
    while (messages_.empty()) {
      char buffer[4096];
      const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) {
        return {0, ""};
      }
      buffer_.append(buffer, static_cast<std::size_t>(got));
      messages_ = take_messages(buffer_);
    }
    auto message = messages_.front();
    messages_.erase(messages_.begin());
    return message;
  }

  int fd_;
  std::string buffer_;
  std::vector<std::pair<int, std::string>> messages_;
};

TEST(ReplayProcessor, TakesTheRealClientsBytes) {
  int played = 0;
  for (const Transcript& transcript : read_transcripts()) {
    if (!transcript.tcp) {
      continue;
    }
    SCOPED_TRACE(transcript.name);
    local::LocalProcessorOptions options;
    options.pull_interval = std::chrono::milliseconds(5);
    const LocalProcessor processor(options, std::make_shared<local::Fleet>(transcript.servers));
    Socket socket(processor.address());
    for (const WireEvent& event : transcript.events) {
      if (event.kind == Kind::kBytes) {
        socket.write(event.bytes);
      } else if (event.kind == Kind::kMessage && !event.from_client) {
        socket.expect(event, transcript);
        ASSERT_FALSE(HasFatalFailure());
      }
    }
    ++played;
  }
  EXPECT_EQ(played, 2);
}

}  // namespace
}  // namespace agones::test
