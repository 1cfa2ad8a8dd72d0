// SPDX-License-Identifier: Apache-2.0
// The heart of the plugin: what is pending, what may be sent, how each request ends. Pure: no thread, no
// clock, no gRPC. One thread (the session's) calls it; everything it decides goes to the sink.
//
//   submit --> hot batch --(pull)--> in flight --(answer)--> sink
//                 |                      |
//                 +-- timeout, cancel, stream lost, drain --> sink
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/completion.h"
#include "engine/counters.h"
#include "engine/deadline_wheel.h"
#include "engine/request_list.h"
#include "engine/request_table.h"
#include "wire/message.h"

namespace agones::plugin {

enum class Received : std::uint8_t { kMalformed, kNothing, kPull, kAnswers };

class EngineSink {
 public:
  virtual ~EngineSink() = default;
  virtual void completed(std::unique_ptr<CompletionBlock> block) = 0;
  virtual void warn(std::string message, std::uint64_t request_id, std::uint64_t batch_id) = 0;
};

class Engine {
 public:
  struct Config {
    std::uint32_t max_batch_size = 1000;
    std::uint32_t max_batch_bytes = 4128768;
    std::uint32_t max_unanswered_batches = 1;
    std::uint32_t pull_credit = 64;  // pulls with nothing to send that are kept
    bool fail_fast = false;
    bool resend = false;
  };

  struct Batch {
    std::uint64_t id = 0;
    std::size_t requests = 0;
    std::string message;  // an encoded allocation.ProcessorMessage
  };

  Engine(const Config& config, TimePoint start, Counters& counters, EngineSink& sink);

  void submit(RequestPtr request, TimePoint now);
  void cancel(std::uint64_t id, TimePoint now);

  // A new stream is registered under `client_id`; nothing is sent before its first pull.
  void stream_opened(std::string client_id);
  void stream_lost(std::string_view reason, TimePoint now);
  // The stream is given up, but not closed. True if answers to what was sent on it may still come: they are to be
  // read, under this number, until late_stream_closed().
  bool stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now);
  // Whether any processor can be reached; matters with fail_fast alone.
  void set_reachable(bool reachable, std::string_view reason, TimePoint now);

  // A message of the stream. Of a malformed one nothing is used, and its stream can't be trusted any more.
  Received receive(std::string bytes, TimePoint now);

  // The same for a stream that was replaced. False when no more answers are awaited from it.
  bool receive_late(std::uint64_t stream, std::string bytes, TimePoint now);
  void late_stream_closed(std::uint64_t stream);

  // The next batch to send, if the pull and the limits allow one.
  std::optional<Batch> next_batch(TimePoint now);
  // A request that is submitted now would be sent at once.
  bool eager() const;

  void expire(TimePoint now);
  std::optional<TimePoint> next_deadline() const { return deadlines_.next_wake(); }

  // From now on what is not sent ends at once as SHUTDOWN, NOT_SENT.
  void return_unsent(TimePoint now);
  // What is in flight ends as SHUTDOWN, UNKNOWN.
  void give_up_in_flight(TimePoint now);

  std::uint64_t received() const { return received_; }
  std::size_t unsent() const { return hot_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  // Requests that were sent on a stream and ended without an answer, with their batches.
  using LateAnswers = std::unordered_map<std::uint64_t, std::uint64_t>;

  // Null for a malformed message, which is counted; otherwise `incoming_` is it, and points into the block.
  std::unique_ptr<CompletionBlock> decode(std::string bytes);
  void pulled(TimePoint now);
  bool use_credit(TimePoint now);
  void answered(const IncomingMessage& message, std::unique_ptr<CompletionBlock> block, TimePoint now);
  void end(Request& request, proc_outcome outcome, TimePoint now, CompletionBlock& block, std::string_view text = {});
  void leave_flight(Request& request);
  void publish(std::unique_ptr<CompletionBlock> block);
  void end_all(RequestList& list, proc_outcome outcome, std::string_view text, TimePoint now);
  void answer_one(const Answer& answer, TimePoint now, CompletionBlock& block);
  void answer_nobody(const Answer& answer, LateAnswers& awaited, TimePoint now, CompletionBlock& block);
  void count_outcome(proc_outcome outcome);
  void update_gauges();

  Config config_;
  Counters& counters_;
  EngineSink& sink_;

  RequestTable table_;
  DeadlineWheel deadlines_;
  RequestList hot_;
  RequestList in_flight_;
  // Requests of a batch that have not ended. A batch leaves when it is answered or none is left, so
  // that a processor that never answers can't block the window for ever.
  std::unordered_map<std::uint64_t, std::size_t> unanswered_batches_;
  // Of this stream, and of those that were replaced and are still read: a late answer to one of these is an orphan.
  LateAnswers gave_up_;
  std::map<std::uint64_t, LateAnswers> late_streams_;

  std::string client_id_;
  bool stream_open_ = false;
  // How many of the hot batch's first requests the last pull covers.
  std::size_t pull_quota_ = 0;
  std::uint32_t unused_pulls_ = 0;
  std::optional<TimePoint> last_pull_;
  std::optional<Duration> pull_interval_;  // between the last two
  bool return_unsent_ = false;
  bool unreachable_ = false;
  std::string unreachable_reason_;
  std::uint64_t last_batch_id_ = 0;
  std::uint64_t highest_id_ = 0;
  std::uint64_t received_ = 0;
  std::vector<Request*> expired_;
  IncomingMessage incoming_;  // kept for its memory
};

}  // namespace agones::plugin
