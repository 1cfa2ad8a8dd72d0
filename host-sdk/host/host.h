// SPDX-License-Identifier: Apache-2.0
// A client of the host library: passes every call on to the plugin that has the role for it.
//
//   any thread:      allocate, cancel ... --> Roles --> the current plugin (cancel: or the old one)
//   polling thread:  poll --> Swap::step, then the old plugin's events, then the current one's
#pragma once

#include <agones/processor_swap.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "contract/client.h"
#include "contract/poll_budget.h"
#include "contract/poll_right.h"
#include "host/connection_told.h"
#include "host/host_config.h"
#include "host/readiness.h"
#include "host/roles.h"
#include "host/swap.h"
#include "platform/fork_guard.h"

namespace agones::host {

class Host final : public plugin::Client {
 public:
  // `config` has been checked. Throws StatusError, LibraryError.
  explicit Host(const proc_config& config);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  bool in_forked_child() const override { return fork_guard_.in_child(); }

  // Any thread.
  Roles::Visit current() const { return roles_.visit_current(); }
  plugin::Result cancel(std::uint64_t id) override;
  plugin::Result drain(proc_drain_flags flags) override;
  void wake() override;
  int wakeup_fd() const override { return readiness_.fd(); }
  void get_stats(proc_stats& stats) const override { swap_.get_stats(stats); }
  void get_metrics(proc_metrics& metrics) const override { swap_.get_metrics(metrics); }
  plugin::Result start_swap(const std::string& file, const std::string& sha256);
  const Swap& swap() const { return swap_; }

  plugin::Result poll(plugin::PollBudget& budget) override;
  plugin::Result poll_json(proc_json_fn* on_json, void* context, plugin::PollBudget& budget) override;
  plugin::Result poll_events(proc_event* events, std::uint32_t event_size, plugin::PollBudget& budget) override;
  plugin::Result hand_over(proc_take_fn* take, void* context, plugin::PollBudget& budget) override;
  plugin::Result shutdown(std::chrono::milliseconds timeout) override;
  plugin::Result may_destroy() override;

  // One plugin's poll function of the host's choice. Its limits are what is left of the budget; it adds to what was
  // delivered.
  class Source {
   public:
    virtual ~Source() = default;
    struct Limits {
      std::uint32_t max_events;
      std::uint32_t max_time_us;
      std::int32_t wait_ms;
    };
    virtual proc_status poll(Generation& generation, const Limits& limits, std::uint32_t& delivered,
                             std::uint32_t& more, char* error, std::uint64_t error_size) = 0;
    // Hands out an event of the host library's own.
    virtual void give(const proc_event& event) = 0;
  };

 private:
  static constexpr std::int64_t kNotDrained = -1;

  using Clock = std::chrono::steady_clock;

  const proc_config& config() const { return config_.known(); }
  template <typename Function, typename Give>
  plugin::Result poll_with(plugin::PollBudget& budget, const Function& function, const Give& give);
  // The old plugin, the host library's own event, the current plugin; until something came or the budget is used up.
  plugin::Result poll_all(Source& source, plugin::PollBudget& budget);
  // `begin`: when the budget's time began.
  plugin::Result poll_once(Source& source, plugin::PollBudget& budget, Clock::time_point begin,
                           std::chrono::milliseconds wait);
  plugin::Result poll_one(Source& source, Generation& generation, plugin::PollBudget& budget, Clock::time_point begin,
                          std::chrono::milliseconds wait);
  // The state of the plugin that takes new requests, if the host knows another one: that plugin told it while it was on
  // trial, or the one before it told of its own end.
  void give_news(Source& source, plugin::PollBudget& budget);
  void step(std::chrono::microseconds time);
  // The poll that waits, in the plugin or for the swap, looks again.
  void interrupt_wait();

  // First: counted until everything else is gone.
  class Counted {
   public:
    Counted();
    ~Counted();
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  };
  const Counted counted_;
  const HostConfig config_;
  const plugin::ForkGuard fork_guard_;
  plugin::Poller poller_;
  Readiness readiness_;
  Roles roles_;
  Swap swap_;
  proc_connection_state told_ = 0;  // which state the host knows; 0: none yet
  ConnectionTold news_;             // the last event of give_news: an array of the host's points to it
  std::atomic<bool> woken_{false};
  // The last flags of proc_drain, for plugins to come; negative: there were none.
  std::atomic<std::int64_t> drained_{kNotDrained};
  bool shut_down_ = false;
};

}  // namespace agones::host
