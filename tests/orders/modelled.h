// SPDX-License-Identifier: Apache-2.0
// What stands amid code that can't be run on the explorer (of gRPC, of the system), line by line as it is there. Each part begins with
// the lines that it stands for; Modelled.LinesAreThoseOfTheCode looks for them in the sources.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "orders/shadow.h"
// After it.
#include "base/time.h"
#include "engine/completion.h"
#include "engine/counters.h"
#include "platform/wakeup_fd.h"
#include "session/event_queue.h"
#include "session/intake.h"
#include "session/many_to_one_queue.h"
#include "session/next_turn.h"

namespace agones::plugin {

inline constexpr std::array kModelledLines{
    // Session::submit
    "intake_.submit(std::move(request));",
    "if (next_turn_.is_too_late_for(deadline)) {",
    // Session::turn
    "taken += intake_.give(engine_, now, kMostATurn - taken);",
    "next_turn_.promise(eager ? TimePoint::max() : next);",
    "} while (!intake_.empty() && taken < kMostATurn);",
    // Session::cancel
    "intake_.cancel(*number);",
    // Link::wake, Link::WakeTag::complete, Link::close_all
    "if (wake_pending_.exchange(true)) {",
    "const std::lock_guard<std::mutex> lock(wake_mutex_);",
    "alarm_->Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), &wake_tag_);",
    "link_.wake_pending_.store(false);",
    "while (wake_pending_.exchange(true)) {",
    "alarm_.reset();",
    // Session::enter, Session::shutdown, Session::finished
    "Phase current = phase_.load();",
    "while (current < phase && !phase_.compare_exchange_weak(current, phase)) {",
    "final_accepted_.store(accepted());",
    "return phase_.load() == Phase::kGiveUp && engine_.received() == final_accepted_.load() && engine_.unsent() == 0 "
    "&&",
    // Delivery::wake, Delivery::deliver
    "woken_.store(true);",
    "if (!woken_.exchange(false)) {",
    // Engine::end, Delivery::end_offered, Delivery::not_taken, Session::fill_stats
    "counters_.handed_over.add();",
    "not_taken_.fetch_add(rest->items.size());",
    "const std::uint64_t not_taken = delivery_.not_taken();",
    "return not_taken_.load(); }",
    "counters_.read(stats);",
    "stats.handed_over -= not_taken;",

    // Host::drain, Host::step
    "drained_.store(flags);",
    "if (&*roles_.visit_current() == &*visit) {",
    "if (const std::int64_t flags = drained_.load(); flags != kNotDrained && &current != before) {",
};

// The link as who wakes it sees it. gRPC's completion queue and alarm have locks of their own, as an eventfd has.
class WokenLink {
 public:
  void wake() {
    if (wake_pending_.exchange(true)) {
      return;
    }
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    orders::check(alarm_ == 1, "an alarm that is gone is set");
    alarm_ = 1;
    set_.set();
  }

  // wait_for_event: whether the alarm was there. (The link's thread would sleep if not.)
  bool take_event() {
    if (!set_.readable()) {
      return false;
    }
    set_.clear();
    complete();
    return true;
  }
  bool sleeps_on() const { return !set_.readable(); }

  // close_all: one round. Whether the alarm is gone.
  bool close() {
    if (wake_pending_.exchange(true)) {
      take_event();
      return false;
    }
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    alarm_ = 0;
    return true;
  }

 private:
  void complete() { wake_pending_.store(false); }

  std::atomic<bool> wake_pending_{false};
  std::mutex wake_mutex_;
  orders::Plain<int> alarm_{1};
  WakeupFd set_;
};

// How the host's threads and the link's meet in a session.
class ModelledSession {
 public:
  // A request that can't wait for the link's next turn.
  void submit(RequestPtr request) {
    intake_.submit(std::move(request));
    if (next_turn_.is_too_late_for(kSoon)) {
      link_.wake();
    }
  }
  void cancel(std::uint64_t number) {
    intake_.cancel(number);
    link_.wake();
  }
  void give_up(std::uint64_t accepted) {
    final_accepted_.store(accepted);
    enter(kGiveUp);
  }

  // The link's thread.
  void turn() {
    do {
      intake_.give(engine_, {}, 100);
      next_turn_.promise(kLater);
    } while (!intake_.empty());
  }
  bool finished() { return phase_.load() == kGiveUp && engine_.received == final_accepted_.load(); }
  WokenLink& link() { return link_; }

  std::uint64_t received() const { return engine_.received; }
  std::uint64_t cancelled() const { return engine_.cancelled; }

 private:
  struct Engine {
    void submit(RequestPtr&& request) {
      const RequestPtr given = std::move(request);
      received += given->id != 0 ? 1 : 0;
    }
    void cancel(std::uint64_t /*number*/, TimePoint /*now*/) { ++cancelled; }
    std::uint64_t received = 0;
    std::uint64_t cancelled = 0;
  };

  static constexpr TimePoint kSoon{Duration(10)};
  static constexpr TimePoint kLater{Duration(1000)};
  static constexpr int kGiveUp = 4;

  void enter(int phase) {
    int current = phase_.load();
    while (current < phase && !phase_.compare_exchange_weak(current, phase)) {
    }
    link_.wake();
  }

  Intake intake_;
  WokenLink link_;
  NextTurn next_turn_;
  std::atomic<int> phase_{0};
  std::atomic<std::uint64_t> final_accepted_{0};
  Engine engine_;
};

// A poller that waits, and who wakes it.
class WaitingPoller {
 public:
  void wake() {
    woken_.store(true);
    events_.wake();
  }
  // Whether it now waits for the descriptor.
  bool deliver() {
    events_.take();
    return !woken_.exchange(false);
  }
  bool readable() const { return events_.fd().readable(); }

 private:
  EventQueue events_;
  std::atomic<bool> woken_{false};
};

// What a request that is handed over counts as.
class HandedOverStats {
 public:
  // The link's thread.
  void end() {
    handed_over_.add();
    waiting_.push(std::make_unique<CompletionBlock>());
  }
  // The poller.
  void end_offered() {
    QueuedEvent* rest = waiting_.take();
    while (rest != nullptr) {
      const std::unique_ptr<QueuedEvent> owned(rest);
      rest = owned->next;
      not_taken_.fetch_add(1);
    }
  }
  // Any thread.
  void fill_stats() const {
    const std::uint64_t not_taken = not_taken_.load();
    orders::check(handed_over_.get() >= not_taken, "more are returned than were handed over");
  }

 private:
  Counter handed_over_;
  ManyToOneQueue<std::unique_ptr<QueuedEvent>> waiting_;
  std::atomic<std::uint64_t> not_taken_{0};
};

}  // namespace agones::plugin
