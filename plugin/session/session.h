// SPDX-License-Identifier: Apache-2.0
// One client: owns the engine, the link and everything between the host's threads and the link's.
//
//   host threads:  allocate --> Intake -.                       .--> EventReader --> callbacks
//   link thread:                        `--> Engine <--> Link    |
//                                              `--> EventQueue --'
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "agones/processor.h"
#include "contract/client.h"
#include "contract/poll_budget.h"
#include "contract/poll_right.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "log/log_limit.h"
#include "log/summary.h"
#include "platform/fork_guard.h"
#include "platform/thread.h"
#include "request/json_text.h"
#include "session/admission.h"
#include "session/event_queue.h"
#include "session/event_reader.h"
#include "session/hand_over.h"
#include "session/intake.h"
#include "session/request_ids.h"
#include "session/session_config.h"
#include "stream/grpc_runtime.h"
#include "stream/link.h"

namespace agones::plugin {

class Session final : public proc_client, private LinkHandler, private EngineSink, private GrpcLogSink {
 public:
  explicit Session(SessionConfig config);
  ~Session() override;

  bool in_forked_child() const override { return fork_guard_.in_child(); }

  // `body` is checked and, if JSON, turned into protobuf.
  Result allocate(const proc_request& request, std::uint64_t* id);
  Result take_over(const proc_moved_request& request);
  Result cancel(std::uint64_t id) override;
  Result drain(proc_drain_flags flags) override;

  Result poll(PollBudget& budget) override;
  Result poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) override;
  Result poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) override;
  Result hand_over(proc_take_fn* take, void* context, PollBudget& budget) override;
  void wake() override;
  Result shutdown(milliseconds timeout) override;
  Result may_destroy() override;

  int wakeup_fd() const override { return events_.fd().fd(); }
  void get_stats(proc_stats& stats) const override;
  void get_metrics(proc_metrics& metrics) const override;
  proc_connection_state connection(std::string& reason) const;

 private:
  // LinkHandler and EngineSink, on the link's thread.
  TimePoint turn(TimePoint now) override;
  bool finished() override;
  void stream_opened(std::uint64_t stream, const std::string& client_id, bool first, TimePoint now) override;
  void stream_lost(std::uint64_t stream, std::string_view reason, TimePoint now) override;
  void all_streams_lost(std::string_view reason, TimePoint now) override;
  bool stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) override;
  bool receive_late(std::uint64_t stream, std::string bytes, TimePoint now) override;
  void late_stream_closed(std::uint64_t stream) noexcept override;
  Received message(std::uint64_t stream, std::string bytes, TimePoint now) override;
  const char* malformation() const override { return engine_.malformation(); }
  StreamsWanted streams_wanted(TimePoint now) override;
  std::optional<std::uint64_t> idle_stream(TimePoint now) override;
  bool may_send(TimePoint now) override { return engine_.may_send(now); }
  std::optional<std::string> next_message(std::uint64_t stream, TimePoint now) override;
  void connection_changed(const ConnectionStatus& status, TimePoint now) override;
  void log(LogEntry entry) noexcept override;
  void completed(std::unique_ptr<CompletionBlock> block) noexcept override;
  std::uint64_t unpolled_bytes() const noexcept override { return events_.unpolled_bytes(); }
  std::string_view why_no_stream() const noexcept override;
  // GrpcLogSink, on any thread.
  void grpc_log(std::string_view message) noexcept override;

  void fill_stats(proc_stats& stats) const;
  bool logs(proc_severity severity) const { return severity >= config_.log_level; }
  void log_endings(const CompletionBlock& block) noexcept;
  void log_summary(TimePoint now) noexcept;
  Result allocate_json(const proc_request& request, std::uint64_t* id);
  // `encoded`: the request's body, checked.
  Result accept(std::string_view encoded, const proc_request& request, std::uint64_t* id);
  void run_link();
  Result refusal(Admission::Answer answer) const;
  // To the link's thread. The request has its number.
  void submit(RequestPtr request) noexcept;
  // Hands events to `hand_out` until the budget is used up, waiting for the first.
  template <typename HandOut>
  void deliver(PollBudget& budget, const HandOut& hand_out);
  void deliver_all(TimePoint until);
  void count_delivered(const EventReader::Item& item);
  void to_callback(const EventReader::Item& item);
  // Runs a callback of the host, about the request of this number. Whatever it throws ends here, but for the cancellation
  // of its thread.
  template <typename Callback>
  void call_host(std::uint64_t number, const Callback& callback);
  void log_callback_threw(std::uint64_t number) noexcept;
  // What nobody took over ends as results after all.
  void end_handing_over();
  bool wait_until(TimePoint end, bool (Session::*condition)() const);
  // Exact for the poller, once nothing more is accepted.
  std::uint64_t accepted() const { return delivered_ + admission_.pending(); }
  bool all_ended() const;
  bool link_ended() const { return link_ended_.load(); }

  // How far the session is on its way out.
  enum class Phase : std::uint8_t { kOpen, kHandOver, kReturnUnsent, kEndAll, kGiveUp };
  void enter(Phase phase);

  // First: it fails before there is anything of gRPC, and is the last to go.
  class GrpcReserve {
   public:
    GrpcReserve();
    ~GrpcReserve();
    GrpcReserve(const GrpcReserve&) = delete;
    GrpcReserve& operator=(const GrpcReserve&) = delete;
  };
  const GrpcReserve grpc_reserve_;
  // Before the thread is started: it can fail. Freed when the rest has gone.
  class Counted {
   public:
    Counted();
    ~Counted();
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  };
  const Counted counted_;
  const SessionConfig config_;
  const ForkGuard fork_guard_;
  Counters counters_;
  Metrics metrics_;

  Admission admission_;
  Intake intake_;
  RequestIds ids_;
  TimePoint next_spare_{};  // when a spare thread may be asked for again

  // When the link's thread will look for new requests by itself, in the clock's ticks. A submitter
  // whose request can't wait that long wakes it.
  std::atomic<TimePoint::rep> next_turn_{0};
  std::atomic<Phase> phase_{Phase::kOpen};
  std::atomic<bool> handing_over_{false};
  std::atomic<std::uint64_t> final_accepted_{0};  // known when kGiveUp is entered

  EventQueue events_;
  EventReader reader_;
  JsonText event_json_;  // the poller's: kept for its memory
  HandOver hand_over_;
  std::atomic<std::uint64_t> not_taken_{0};  // by nobody: ended as results; the poller's
  std::atomic<bool> woken_{false};
  std::uint64_t delivered_ = 0;  // results handed out; the poller's
  Poller poller_;
  bool shut_down_ = false;

  std::mutex log_limit_mutex_;
  LogLimit log_limit_;
  std::unique_ptr<Summary> summary_;  // the link's; null if none is wanted
  TimePoint next_summary_{};

  mutable std::mutex connection_mutex_;
  ConnectionStatus connection_;
  std::uint64_t states_ = 0;  // the link's: how many there were

  std::mutex grpc_message_mutex_;
  std::string grpc_message_;  // the last one
  GrpcLogRegistration grpc_log_;
  Engine engine_;
  std::atomic<bool> link_ended_{false};
  // Told of every ending, for proc_shutdown.
  std::mutex progress_mutex_;
  std::condition_variable progress_;
  Link link_;
  // Last: the thread uses everything above.
  std::unique_ptr<Thread> thread_;
};

}  // namespace agones::plugin
