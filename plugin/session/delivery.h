// SPDX-License-Identifier: Apache-2.0
// From the event queue to the host: the ways to poll, and proc_hand_over. One thread at a time has the right to it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "agones/processor.h"
#include "base/time.h"
#include "contract/border.h"
#include "contract/poll_budget.h"
#include "contract/poll_right.h"
#include "engine/completion.h"
#include "request/json_text.h"
#include "session/admission.h"
#include "session/event_queue.h"
#include "session/event_reader.h"
#include "session/hand_over.h"
#include "session/request_ids.h"
#include "session/session_config.h"
#include "session/session_log.h"

namespace agones::plugin {

class Delivery {
 public:
  Delivery(const SessionConfig& config, EventQueue& events, RequestIds& ids, Admission& admission, SessionLog& log)
      : config_(config), events_(events), ids_(ids), admission_(admission), log_(log), reader_(events, ids) {}

  // Any thread. The poll that waits returns.
  void wake();
  // From now on the polls end as results what nobody took over.
  void stop_handing_over() { stopped_handing_over_.store(true); }
  std::uint64_t not_taken() const { return not_taken_.load(); }
  // The link's thread: these are for another client to take.
  void offer(std::unique_ptr<CompletionBlock> block) noexcept;

  // Its right is taken by these ...
  Poller& poller() { return poller_; }
  Result poll(PollBudget& budget);
  Result poll_json(proc_json_fn* on_json, void* context, PollBudget& budget);
  Result poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget);

  // ... and held by who calls these.
  Result hand_over(proc_take_fn* take, void* context, PollBudget& budget);
  // What can be had now, by callback.
  void deliver_all(TimePoint until);
  // What nobody took over ends as results after all.
  void end_offered();
  // Results handed out, and requests handed over.
  std::uint64_t delivered() const { return delivered_; }

 private:
  // Hands events to `hand_out` until the budget is used up, waiting for the first.
  template <typename HandOut>
  void deliver(PollBudget& budget, const HandOut& hand_out);
  template <typename HandOut>
  void deliver_now(PollBudget& budget, const HandOut& hand_out);
  void count(const EventReader::Item& item);
  void to_callback(const EventReader::Item& item);
  proc_moved_request moved(const Request& request) const;
  // Runs a callback of the host, about the request of this number. Whatever it throws ends here, but for the cancellation
  // of its thread.
  template <typename Callback>
  void call_host(std::uint64_t number, const Callback& callback);

  const SessionConfig& config_;
  EventQueue& events_;
  RequestIds& ids_;
  Admission& admission_;
  SessionLog& log_;

  std::atomic<bool> woken_{false};
  std::atomic<bool> stopped_handing_over_{false};
  std::atomic<std::uint64_t> not_taken_{0};  // ended as results
  Poller poller_;
  // The poller's.
  EventReader reader_;
  JsonText event_json_;  // kept for its memory
  HandOver hand_over_;
  std::uint64_t delivered_ = 0;
};

}  // namespace agones::plugin
