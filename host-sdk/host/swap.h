// SPDX-License-Identifier: Apache-2.0
// Replaces the plugin while requests are under way, step by step on the polling thread.
//
//   load, init -> serving? -> switch -> (nobody is inside the old one) -> the old one hands over what it has not sent
//   -> what it has sent ends -> shut down, unload
//
// What is at the ends of this runs in the background. If the new plugin fails any check, the old one goes on as if nothing had happened.
#pragma once

#include <agones/processor_swap.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "contract/border.h"
#include "host/background_task.h"
#include "host/generation.h"
#include "host/history.h"
#include "host/host_config.h"
#include "host/readiness.h"
#include "host/roles.h"

namespace agones::host {

class Swap {
 public:
  // How the last swap went.
  struct Report {
    proc_swap_state state = PROC_SWAP_NONE;
    std::string from_version;
    std::string to_version;
    std::uint64_t moved = 0;
    std::uint64_t drained = 0;
    std::chrono::microseconds longest_gap{0};
    bool unloaded = false;
    std::string error;
  };

  Swap(Roles& roles, const HostConfig& config, Readiness& readiness);
  ~Swap();
  Swap(const Swap&) = delete;
  Swap& operator=(const Swap&) = delete;

  // Any thread.
  plugin::Result start(const std::string& file, const std::string& sha256);
  Report report() const;
  bool running() const { return running_.load(); }
  // A cancel that found its request neither here nor there: it may be on its way from one to the other. False if nothing
  // is moving now.
  bool cancel_in_transit(std::uint64_t id);
  void get_stats(proc_stats& stats) const;
  void get_metrics(proc_metrics& metrics) const;
  // Of generations that are gone.
  bool gave_out(std::uint64_t id) const;

  using Clock = std::chrono::steady_clock;

  // The polling thread. `time`: how long it may take, 0: no limit.
  void step(std::chrono::microseconds time);
  // What is under way is given up, what runs in the background is awaited. Nothing is started any more. False if something did
  // not end in time; to be called again.
  bool end(Clock::time_point until);

 private:
  enum class Phase : std::uint8_t { kIdle, kLoading, kProving, kLeaving, kDraining, kReleasing, kClosing, kGivingUp };

  void begin();
  // In the background: candidate_, or problem_.
  void load(const std::string& file, const std::string& sha256) noexcept;
  void finish_loading();
  void prove(std::chrono::microseconds time);
  void switch_over();
  void leave(std::chrono::microseconds time);
  void drain(std::chrono::microseconds time);
  void hand_over(std::chrono::microseconds time);
  bool exhausted() const;
  void release();
  void finish_closing();
  void give_up(const std::string& problem);
  void finish_giving_up();
  void finish(proc_swap_state state);
  // Its log lines go to on_log, everything else of a plugin on trial is dropped.
  void hear_candidate(std::chrono::microseconds time);

  Roles& roles_;
  const HostConfig& config_;
  Readiness& readiness_;

  mutable std::mutex mutex_;  // of what follows
  Report report_;
  std::string wanted_file_;
  std::string wanted_sha256_;
  bool ended_ = false;
  bool moving_ = false;
  std::vector<std::uint64_t> cancels_;
  History history_;

  std::atomic<bool> running_{false};

  // The polling thread's, and the background thread's while it works.
  Phase phase_ = Phase::kIdle;
  std::string problem_;
  std::string kept_;  // what keeps the old library
  std::unique_ptr<Generation> candidate_;
  std::unique_ptr<Generation> leaving_;  // the old one, while it is closed in the background
  Clock::time_point prove_until_{};
  Clock::time_point switched_{};
  Clock::time_point drain_until_{};
  std::uint64_t ended_before_ = 0;  // requests that had ended on the old plugin when it was replaced
  bool refused_ = false;            // the new plugin does not take what the old one hands over
  bool given_up_ = false;           // what the old one had left, because its time was over
  std::optional<BackgroundTask> background_;
};

}  // namespace agones::host
