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
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/config_numbers.h"
#include "engine/completion.h"
#include "engine/counters.h"
#include "engine/deadline_wheel.h"
#include "engine/metrics.h"
#include "engine/pacer.h"
#include "engine/request_list.h"
#include "engine/request_table.h"
#include "engine/stream_set.h"
#include "engine/window.h"
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
  // Why there is no stream, as long as there is none.
  virtual std::string_view why_no_stream() const noexcept { return {}; }
};

class Engine {
 public:
  struct Config {
    std::uint32_t max_batch_size = most_of(config_number::max_batch_size);
    bool fixed_batches = false;  // all that waits, up to max_batch_size, whatever the processor does
    std::uint32_t max_batch_bytes = default_of(config_number::max_batch_bytes);
    std::uint32_t max_streams = default_of(config_number::max_streams);
    std::uint32_t max_unanswered_batches = default_of(config_number::max_unanswered_batches);  // on one stream
    std::uint32_t max_message_bytes = default_of(config_number::max_message_bytes);
    // At most; 1: nothing is sent between pulls.
    std::uint32_t batches_per_pull = default_of(config_number::batches_per_pull);
    std::uint32_t max_unpolled_bytes = default_of(config_number::max_unpolled_bytes);
    bool fail_fast = false;
    bool resend = false;
  };

  struct Batch {
    std::uint64_t id = 0;
    std::size_t requests = 0;
    std::string message;  // an encoded allocation.ProcessorMessage
  };

  Engine(const Config& config, TimePoint start, Counters& counters, Metrics& metrics, EngineSink& sink);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // If it throws, the request stays with the caller.
  void submit(RequestPtr&& request);
  void cancel(std::uint64_t id, TimePoint now);

  // A new stream is registered under `client_id`; nothing is sent on it before its first pull. Numbers ascend.
  void stream_opened(std::uint64_t stream, std::string client_id, TimePoint now);
  void stream_lost(std::uint64_t stream, std::string_view reason, TimePoint now);
  void all_streams_lost(std::string_view reason, TimePoint now);
  // The stream is given up, but not closed. True if answers to what was sent on it may still come: they are to be
  // read until late_stream_closed().
  bool stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now);
  // Whether any processor can be reached; matters with fail_fast alone.
  void set_reachable(bool reachable, std::string_view reason, TimePoint now);

  // A message of the stream. Of a malformed one nothing is used, and its stream can't be trusted any more. kAnswers:
  // a batch is answered that was not before.
  Received receive(std::uint64_t stream, std::string bytes, TimePoint now);
  // What was wrong with the last malformed one.
  const char* malformation() const { return malformation_; }
  // The same for a stream that was replaced. False when no more answers are awaited from it.
  bool receive_late(std::uint64_t stream, std::string bytes, TimePoint now);
  void late_stream_closed(std::uint64_t stream) noexcept;

  // Whether anything waits that the pace lets go; the same time for any number of streams.
  bool may_send(TimePoint now) const;
  // The next batch to send on this stream, if its pulls, the pace, the window and the limits allow one. Those that opened
  // first are to be asked first, so that those that are not needed stay idle.
  std::optional<Batch> next_batch(std::uint64_t stream, TimePoint now);
  // From when on a request that waits would be sent, without a further pull; none if a pull or an answer must come first.
  std::optional<TimePoint> next_send(TimePoint now) const;
  // How many streams there should be for what waits; at least one.
  std::size_t streams_wanted(TimePoint now) const;
  std::optional<TimePoint> more_streams_wanted_at(TimePoint now) const;
  // Nothing waits; if something did, there would be more than there are.
  bool would_open_stream(TimePoint now) const;
  // One that has not been needed for a while and may be closed: another one is open.
  std::optional<std::uint64_t> idle_stream(TimePoint now) const;

  // Ends everything that is to end: deadlines that have passed, and what nothing can come of any more.
  void end_due(TimePoint now);
  std::optional<TimePoint> next_deadline() const { return deadlines_.next_wake(); }

  // From now on what is not in flight ends at once as SHUTDOWN.
  void return_unsent(TimePoint now);
  // From now on what was never sent leaves at once, in blocks of kind kHandedOver.
  void hand_over_unsent(TimePoint now);
  // The same, and from now on what is in flight ends as SHUTDOWN, UNKNOWN, too.
  void give_up_in_flight(TimePoint now);

  std::uint64_t received() const { return received_; }
  std::size_t unsent() const { return hot_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }
  // For tests.
  const Window& window() const { return window_; }

 private:
  // Publishes what ended, also when the rest of the work fails.
  class PublishOnExit;

  // How far the client is on its way out.
  enum class Ending : std::uint8_t { kNone, kHandOver, kReturnUnsent, kGiveUp };

  // What the next batch is made of: the first so many of the hot batch.
  struct Choice {
    std::vector<std::uint64_t> ids;
    std::size_t encoded_size = 0;
  };

  // Null for a malformed message, which is counted; otherwise `incoming_` is it, and points into the block.
  std::unique_ptr<CompletionBlock> decode(std::string bytes);
  void pulled(EngineStream& stream, TimePoint now);
  std::size_t wanted_for(std::size_t waiting, TimePoint now) const;
  Window::Now window_now(TimePoint now, std::size_t waiting) const;
  bool hold_back();
  // `limit`: how many it may be.
  Choice choose(std::size_t limit, std::size_t client_id_size) const;
  Batch send(std::uint64_t number, EngineStream& stream, Choice choice, TimePoint now);
  void enter(Ending ending, TimePoint now);
  bool answered(EngineStream& stream, std::unique_ptr<CompletionBlock> block, TimePoint now);  // `incoming_`
  void batch_answered(const EngineStream& stream, std::uint64_t batch, TimePoint now);
  void end_unanswered_of(const EngineStream& stream, std::uint64_t batch, TimePoint now);
  // It is open no more, and `state` now.
  void leave(std::uint64_t number, EngineStream& stream, EngineStream::State state, std::string_view reason);
  void end_of_streams(TimePoint now);
  template <typename Each>
  void each_in_flight(const EngineStream& stream, const Each& each);
  void end_in_flight_of(const EngineStream& stream, TimePoint now);
  // Never throws if the block has room.
  void end(Request& request, proc_outcome outcome, TimePoint now, CompletionBlock& block, std::string_view text = {});
  void publish(std::unique_ptr<CompletionBlock> block) noexcept;
  template <typename Which>
  void end_those(RequestList& list, const Which& which, proc_outcome outcome, std::string_view text, TimePoint now,
                 QueuedEvent::Kind kind = QueuedEvent::Kind::kCompletions);
  void hand_over_all(TimePoint now);
  void expire(TimePoint now);
  // What requests in the hot batch wait for, as a text for the host.
  std::string_view why_unsent(TimePoint now) const;
  // Whether the answer was to a request of `incoming_`'s batch that was in flight.
  bool answer_one(const Answer& answer, EngineStream& stream, TimePoint now, CompletionBlock& block);
  void answer_nobody(const Answer& answer, EngineStream& stream, TimePoint now, CompletionBlock& block);
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
  Pacer pacer_;
  StreamSet streams_;
  Window window_;
  Ending ending_ = Ending::kNone;
  bool unreachable_ = false;
  std::string unreachable_reason_;
  bool held_back_ = false;  // the host polls too little
  std::uint64_t last_batch_id_ = 0;
  std::size_t largest_batch_ = 0;  // requests
  std::uint64_t highest_id_ = 0;
  std::uint64_t received_ = 0;
  IncomingMessage incoming_;  // kept for its memory
  const char* malformation_ = "";
};

}  // namespace agones::plugin
