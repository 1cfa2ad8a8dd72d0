// SPDX-License-Identifier: Apache-2.0
// One client: owns the engine, the link and everything between the host's threads and the link's.
//
//   host threads:  allocate --> Intake -.                       .--> EventReader --> callbacks
//   link thread:                        `--> Engine <--> Link    |
//                                              `--> EventQueue --'
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agones/processor.h"
#include "contract/client.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "log/summary.h"
#include "platform/fork_guard.h"
#include "platform/thread.h"
#include "session/admission.h"
#include "session/connection_state.h"
#include "session/delivery.h"
#include "session/event_queue.h"
#include "session/grpc_reserve.h"
#include "session/intake.h"
#include "session/next_turn.h"
#include "session/progress.h"
#include "session/request_ids.h"
#include "session/session_config.h"
#include "session/session_log.h"
#include "session/unknown_field_log.h"
#include "stream/link.h"

namespace agones::plugin {

class Session final : public Client, private LinkHandler, private EngineSink {
 public:
  explicit Session(SessionConfig config);
  ~Session() override;

  bool in_forked_child() const override { return fork_guard_.in_child(); }

  // `body` is checked and, if JSON, turned into protobuf.
  Result allocate(const proc_request& request, std::uint64_t* id);
  Result take_over(const proc_moved_request& request);
  Result cancel(std::uint64_t id) override;
  Result drain(proc_drain_flags flags) override;

  Result poll(PollBudget& budget) override { return delivery_.poll(budget); }
  Result poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) override {
    return delivery_.poll_json(on_json, context, budget);
  }
  Result poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) override {
    return delivery_.poll_events(events, event_size, budget);
  }
  Result hand_over(proc_take_fn* take, void* context, PollBudget& budget) override;
  void wake() override { delivery_.wake(); }
  Result shutdown(milliseconds timeout) override;
  Result may_destroy() override;

  int wakeup_fd() const override { return events_.fd().fd(); }
  void get_stats(proc_stats& stats) const override;
  void get_metrics(proc_metrics& metrics) const override;
  proc_connection_state connection(std::string& reason) const { return connection_.state(reason); }

 private:
  // LinkHandler and EngineSink, on the link's thread.
  TimePoint turn(TimePoint now) override;
  bool finished() override;
  void take_in(TimePoint now) override;
  void connection_changed(const ConnectionStatus& status, TimePoint now) override;
  bool logs(proc_severity severity) const noexcept override { return log_.wants(severity); }
  void log(LogEntry entry) noexcept override { log_.add(std::move(entry)); }
  void completed(std::unique_ptr<CompletionBlock> block) noexcept override;
  std::uint64_t unpolled_bytes() const noexcept override { return events_.unpolled_bytes(); }
  std::string_view why_no_stream() const noexcept override;

  void fill_stats(proc_stats& stats) const;
  void log_summary(TimePoint now) noexcept;
  Result allocate_json(const proc_request& request, std::uint64_t* id);
  // `encoded`: the request's body, checked.
  Result accept(std::string_view encoded, const proc_request& request, std::uint64_t* id);
  void run_link();
  Result refusal(Admission::Answer answer) const;
  // To the link's thread. The request has its number.
  void submit(RequestPtr request) noexcept;
  bool wait_until(TimePoint end, bool (Session::*condition)() const);
  // Exact for the poller, once nothing more is accepted.
  std::uint64_t accepted() const { return delivery_.delivered() + admission_.pending(); }
  bool all_ended() const;
  bool link_ended() const { return link_ended_.load(); }

  // How far the session is on its way out.
  enum class Phase : std::uint8_t { kOpen, kHandOver, kReturnUnsent, kEndAll, kGiveUp };
  void enter(Phase phase);

  // These two first: they are the last to go.
  const GrpcReserve grpc_reserve_;
  const ClientCounted counted_;
  const SessionConfig config_;
  const ForkGuard fork_guard_;
  Counters counters_;
  Metrics metrics_;

  Admission admission_;
  Intake intake_;
  RequestIds ids_;
  TimePoint next_spare_{};  // when a spare thread may be asked for again

  NextTurn next_turn_;
  std::atomic<Phase> phase_{Phase::kOpen};
  std::atomic<bool> handing_over_{false};
  std::atomic<std::uint64_t> final_accepted_{0};  // known when kGiveUp is entered

  EventQueue events_;
  SessionLog log_;
  Delivery delivery_;
  bool shut_down_ = false;

  std::unique_ptr<Summary> summary_;  // the link's; null if none is wanted
  TimePoint next_summary_{};

  ConnectionState connection_;
  GrpcLog grpc_log_;
  UnknownFieldLog unknown_field_log_;
  Engine engine_;
  std::atomic<bool> link_ended_{false};
  Progress progress_;
  Link link_;
  // Last: the thread uses everything above.
  std::unique_ptr<Thread> thread_;
};

}  // namespace agones::plugin
