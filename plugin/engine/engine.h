// SPDX-License-Identifier: Apache-2.0
// The heart of the plugin: what is pending, what may be sent, how each request ends. Pure: no thread, no
// clock, no gRPC. One thread (the session's) calls it; everything it decides goes to the sink.
//
//   submit --> hot batch --(pull)--> in flight --(answer)--> sink
//                 |                      |
//                 +-- timeout, cancel, stream lost, drain --> sink
//
// Any function may throw std::bad_alloc. No request is lost by that: what could not be ended is ended by a later
// end_due(), what could not be sent waits.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/completion.h"
#include "engine/counters.h"
#include "engine/deadline_wheel.h"
#include "engine/metrics.h"
#include "engine/pacer.h"
#include "engine/request_list.h"
#include "engine/request_table.h"
#include "engine/stream_ledger.h"
#include "log/log_entry.h"
#include "wire/message.h"

namespace agones::plugin {

enum class Received : std::uint8_t { kMalformed, kNothing, kPull, kAnswers };

class EngineSink {
 public:
  virtual ~EngineSink() = default;
  virtual void completed(std::unique_ptr<CompletionBlock> block) noexcept = 0;
  virtual void log(LogEntry entry) noexcept = 0;
  // The memory of what completed() was given and the host has not polled.
  virtual std::uint64_t unpolled_bytes() const noexcept = 0;
};

class Engine {
 public:
  struct Config {
    std::uint32_t max_batch_size = 1000;
    std::uint32_t max_batch_bytes = 4128768;
    std::uint32_t max_unanswered_batches = 1;
    std::uint32_t batches_per_pull = 28;  // at most; 1: nothing is sent between pulls
    std::uint32_t max_unpolled_bytes = 256U << 20;
    bool fail_fast = false;
    bool resend = false;
  };

  struct Batch {
    std::uint64_t id = 0;
    std::size_t requests = 0;
    std::string message;  // an encoded allocation.ProcessorMessage
  };

  Engine(const Config& config, TimePoint start, Counters& counters, Metrics& metrics, EngineSink& sink);

  // If it throws, the request stays with the caller.
  void submit(RequestPtr&& request);
  void cancel(std::uint64_t id, TimePoint now);

  // A new stream is registered under `client_id`; nothing is sent before its first pull.
  void stream_opened(std::string client_id, TimePoint now);
  void stream_lost(std::string_view reason, TimePoint now);
  // The stream is given up, but not closed. True if answers to what was sent on it may still come: they are to be
  // read, under this number, until late_stream_closed().
  bool stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now);
  // Whether any processor can be reached; matters with fail_fast alone.
  void set_reachable(bool reachable, std::string_view reason, TimePoint now);

  // A message of the stream. Of a malformed one nothing is used, and its stream can't be trusted any more. kAnswers:
  // a batch is answered that was not before.
  Received receive(std::string bytes, TimePoint now);
  // What was wrong with the last malformed one.
  const char* malformation() const { return malformation_; }

  // The same for a stream that was replaced. False when no more answers are awaited from it.
  bool receive_late(std::uint64_t stream, std::string bytes, TimePoint now);
  void late_stream_closed(std::uint64_t stream);

  // The next batch to send, if the pull and the limits allow one.
  std::optional<Batch> next_batch(TimePoint now);
  // From when on a request that waits would be sent, without a further pull; none if a pull or an answer must come first.
  std::optional<TimePoint> next_send(TimePoint now) const;

  // Ends everything that is to end: deadlines that have passed, and what nothing can come of any more.
  void end_due(TimePoint now);
  std::optional<TimePoint> next_deadline() const { return deadlines_.next_wake(); }

  // From now on what is not in flight ends at once as SHUTDOWN.
  void return_unsent(TimePoint now);
  // From now on what was never sent leaves at once, in blocks of kind kHandedOver.
  void hand_over_unsent(TimePoint now);
  // From now on what is in flight ends as SHUTDOWN, UNKNOWN, too.
  void give_up_in_flight(TimePoint now);

  std::uint64_t received() const { return received_; }
  std::size_t unsent() const { return hot_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  // Publishes what ended, also when the rest of the work fails.
  class Publication;

  // Null for a malformed message, which is counted; otherwise `incoming_` is it, and points into the block.
  std::unique_ptr<CompletionBlock> decode(std::string bytes);
  void pulled(TimePoint now);
  bool window_open() const;
  bool answered(const IncomingMessage& message, std::unique_ptr<CompletionBlock> block, TimePoint now);
  void batch_answered(const StreamLedger& sent, std::uint64_t batch, TimePoint now);
  void end_unanswered_of(std::uint64_t batch, TimePoint now);
  // Never throws if the block has room.
  void end(Request& request, proc_outcome outcome, TimePoint now, CompletionBlock& block, std::string_view text = {});
  void publish(std::unique_ptr<CompletionBlock> block) noexcept;
  void end_all(RequestList& list, proc_outcome outcome, std::string_view text, TimePoint now);
  void hand_over_all(TimePoint now);
  void expire(TimePoint now);
  // Whether the answer was to a request of this batch that was in flight.
  bool answer_one(const Answer& answer, std::uint64_t batch, TimePoint now, CompletionBlock& block);
  void answer_nobody(const Answer& answer, StreamLedger& sent, TimePoint now, CompletionBlock& block);
  void count_outcome(proc_outcome outcome);
  void update_gauges() noexcept;

  Config config_;
  Counters& counters_;
  Metrics& metrics_;
  EngineSink& sink_;

  RequestTable table_;
  DeadlineWheel deadlines_;
  RequestList hot_;
  RequestList in_flight_;
  // Of this stream, and of those that were replaced and are still read: a late answer to one of these is an orphan.
  StreamLedger sent_;
  std::map<std::uint64_t, StreamLedger> late_streams_;

  std::string client_id_;
  bool stream_open_ = false;
  std::string lost_reason_;  // of the last stream
  Pacer pacer_;
  bool hand_over_ = false;
  bool return_unsent_ = false;
  bool give_up_in_flight_ = false;
  bool unreachable_ = false;
  std::string unreachable_reason_;
  bool held_back_ = false;  // the host polls too little
  std::uint64_t last_batch_id_ = 0;
  std::uint64_t highest_id_ = 0;
  std::uint64_t received_ = 0;
  IncomingMessage incoming_;  // kept for its memory
  const char* malformation_ = "";
};

}  // namespace agones::plugin
