// SPDX-License-Identifier: Apache-2.0
#include "host/swap.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "contract/config_fields.h"
#include "host/shared_plugins.h"
#include "text/english.h"

namespace agones::host {

using plugin::Result;
using std::chrono::duration_cast;
using std::chrono::microseconds;

namespace {

// More than a plugin accepts between the next one's start and its own end: ids stay unique.
constexpr std::uint64_t kIdGap = std::uint64_t{1} << 32U;
constexpr const char* kEnded = "the client was shut down meanwhile";

std::uint64_t ended_requests(const proc_stats& stats) {
  return stats.allocated + stats.rejected + stats.timed_out + stats.cancelled + stats.disconnected + stats.shut_down;
}

}  // namespace

Swap::Swap(Roles& roles, const HostConfig& config, Readiness& readiness)
    : roles_(roles), config_(config), readiness_(readiness) {}

Swap::~Swap() {
  end(Clock::time_point::max());
}

// ---- Any thread -------------------------------------------------------------------------------------

Result Swap::start(const std::string& file, const std::string& sha256) {
  if (!config_.sha256().empty() && sha256.empty()) {
    return plugin::invalid("sha256: missing; the config's plugin_sha256 asks for one");
  }
  const std::string version = roles_.visit_current()->version();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) {
    return {PROC_ERR_SHUT_DOWN, "the client was shut down"};
  }
  if (running_.load()) {
    return {PROC_ERR_BUSY, "a swap is running"};
  }
  wanted_file_ = file;
  wanted_sha256_ = sha256;
  report_ = {};
  report_.state = PROC_SWAP_RUNNING;
  report_.from_version = version;
  running_.store(true);
  return {};
}

Swap::Report Swap::report() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return report_;
}

bool Swap::cancel_in_transit(std::uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (moving_) {
    cancels_.push_back(id);
  }
  return moving_;
}

void Swap::get_stats(proc_stats& stats) const {
  // Under the lock no generation becomes history.
  const std::lock_guard<std::mutex> lock(mutex_);
  StatsSum sum = history_.stats();
  const Roles::Visit current = roles_.visit_current();
  sum.add(*current);
  if (const Roles::Visit old = roles_.visit_old()) {
    sum.add(*old);
  }
  sum.write(stats);
}

void Swap::get_metrics(proc_metrics& metrics) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  MetricsSum sum = history_.metrics();
  if (const Roles::Visit old = roles_.visit_old()) {
    sum.add(*old);
  }
  // To the host it is one client, in one state.
  sum.drop_gauges();
  const Roles::Visit current = roles_.visit_current();
  sum.add(*current);
  sum.write(metrics);
}

bool Swap::gave_out(std::uint64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return history_.gave_out(id);
}

// ---- The swap, on the polling thread ----------------------------------------------------------------

void Swap::step(microseconds time) {
  switch (phase_) {
    case Phase::kIdle:
      return begin();
    case Phase::kLoading:
      return finish_loading();
    case Phase::kProving:
      return prove(time);
    case Phase::kLeaving:
      return leave(time);
    case Phase::kDraining:
      return drain(time);
    case Phase::kReleasing:
      return release();
    case Phase::kClosing:
      return finish_closing();
    case Phase::kGivingUp:
      return finish_giving_up();
  }
}

void Swap::begin() {
  if (!running()) {
    return;
  }
  std::string file;
  std::string sha256;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    file.swap(wanted_file_);
    sha256.swap(wanted_sha256_);
  }
  try {
    background_.emplace([this] { readiness_.tell(); });
    background_->run([this, file, sha256] { load(file, sha256); });
    phase_ = Phase::kLoading;
  } catch (const std::system_error& error) {
    give_up("no thread for the swap (RLIMIT_NPROC, or a seccomp profile that forbids clone3 or clone): " +
            plugin::text_of(error));
  }
}

void Swap::load(const std::string& file, const std::string& sha256) noexcept {
  try {
    SharedPlugin plugin(file, config_.load_options(sha256));
    const Roles::Visit current = roles_.visit_current();
    const std::uint64_t first_id = current->first_id() + ids_used(current->stats()) + kIdGap;
    if (first_id > static_cast<std::uint64_t>(plugin::config_number::first_request_id.most)) {
      problem_ = "request ids are used up: this client can swap no more";
      return;
    }
    candidate_ = std::make_unique<Generation>(std::move(plugin), config_, first_id);
  } catch (const std::bad_alloc&) {
    problem_ = "no memory";  // short enough to need none
  } catch (const std::exception& error) {
    try {
      problem_ = error.what();
    } catch (const std::bad_alloc&) {
      problem_ = "no memory";
    }
  }
}

void Swap::finish_loading() {
  if (!background_->done()) {
    return;
  }
  if (candidate_ == nullptr) {
    give_up(std::exchange(problem_, {}));
    return;
  }
  try {
    readiness_.watch(candidate_->wakeup_fd());
  } catch (const std::system_error& error) {
    give_up(plugin::text_of(error));
    return;
  }
  prove_until_ = Clock::now() + config_.ready_timeout();
  phase_ = Phase::kProving;
}

void Swap::prove(microseconds time) {
  // Asked first: what it said of that is heard below, and not by the host.
  const bool serving = candidate_->connection() == PROC_CONNECTION_SERVING;
  hear_candidate(time);
  if (serving || roles_.current().connection() != PROC_CONNECTION_SERVING) {
    switch_over();
    return;
  }
  if (Clock::now() >= prove_until_) {
    std::string reason;
    candidate_->connection(&reason);
    give_up("the new plugin is not serving after " + std::to_string(config_.ready_timeout().count()) + " ms" +
            (reason.empty() ? "" : ": " + reason));
  }
}

void Swap::hear_candidate(microseconds time) {
  std::array<proc_event, 16> events;
  std::uint32_t count = 0;
  std::uint32_t more = 1;
  const Clock::time_point start = Clock::now();
  while (more != 0 && (time.count() == 0 || Clock::now() - start < time) &&
         candidate_->api().poll_events(
             candidate_->client(), events.data(), sizeof(proc_event), static_cast<std::uint32_t>(events.size()),
             static_cast<std::uint32_t>(time.count()), 0, &count, &more, nullptr, 0) == PROC_OK) {
    std::for_each_n(events.begin(), count, [this](const proc_event& event) { candidate_->told().note(event); });
  }
}

void Swap::switch_over() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.to_version = candidate_->version();
    moving_ = true;
  }
  ended_before_ = ended_requests(roles_.current().stats());
  roles_.replace(std::move(candidate_));
  switched_ = Clock::now();
  drain_until_ = switched_ + config_.drain_timeout();
  refused_ = false;
  given_up_ = false;
  phase_ = Phase::kLeaving;
}

// A host's thread may still be submitting to the old plugin.
void Swap::leave(microseconds time) {
  if (roles_.is_left()) {
    phase_ = Phase::kDraining;
    drain(time);
  }
}

void Swap::drain(microseconds time) {
  if (!given_up_) {
    hand_over(time);
  }
  if (exhausted()) {
    phase_ = Phase::kReleasing;
    release();
    return;
  }
  const bool nothing_more_to_come = refused_ && roles_.old()->stats().in_flight == 0;
  if (!given_up_ && (nothing_more_to_come || Clock::now() >= drain_until_)) {
    // What the processor has not answered by now ends here, and what the new plugin does not take; polls hand it out. Its
    // proc_shutdown, which may take long, is called in the background.
    given_up_ = roles_.old()->api().drain(roles_.old()->client(), PROC_DRAIN_END_ALL, nullptr, 0) == PROC_OK;
  }
}

void Swap::hand_over(microseconds time) {
  Generation& old = *roles_.old();
  const auto take = [](void* self, const proc_moved_request* request) -> proc_status {
    auto& swap = *static_cast<Swap*>(self);
    const Generation& current = swap.roles_.current();
    const proc_status status = current.api().take_over(current.client(), request, nullptr, 0);
    swap.refused_ = status != PROC_OK && status != PROC_ERR_NO_MEMORY;
    return status;
  };
  std::uint32_t count = 0;
  std::uint32_t more = 0;
  old.api().hand_over(old.client(), take, this, static_cast<std::uint32_t>(time.count()), &count, &more, nullptr, 0);
  std::vector<std::uint64_t> cancels;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.moved += count;
    if (count != 0) {
      report_.longest_gap = duration_cast<microseconds>(Clock::now() - switched_);
    }
    cancels.swap(cancels_);
  }
  const Generation& current = roles_.current();
  for (const std::uint64_t id : cancels) {
    current.api().cancel(current.client(), id, nullptr, 0);
  }
}

// Nothing can come of the old plugin any more: no result, no orphan.
bool Swap::exhausted() const {
  const proc_stats stats = roles_.old()->stats();
  return stats.pending == 0 && (given_up_ || stats.late_answers == 0);
}

void Swap::release() {
  if (roles_.old() != nullptr) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Generation& old = *roles_.old();
    report_.drained = ended_requests(old.stats()) - ended_before_;
    moving_ = false;
    history_.add(old);
    readiness_.forget(old.wakeup_fd());
    roles_.retire_old();
  }
  leaving_ = roles_.release_retired();
  if (leaving_ == nullptr) {
    return;
  }
  leaving_->mute();
  background_->run([this] {
    kept_ = leaving_->close();
    leaving_.reset();
  });
  phase_ = Phase::kClosing;
}

void Swap::finish_closing() {
  if (!background_->done()) {
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.unloaded = kept_.empty();
    report_.error = kept_;
  }
  finish(PROC_SWAP_DONE);
}

void Swap::give_up(const std::string& problem) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.error = problem;
  }
  if (candidate_ == nullptr) {
    finish(PROC_SWAP_FAILED);
    return;
  }
  candidate_->mute();
  readiness_.forget(candidate_->wakeup_fd());
  // Not this thread closes it. Before the next swap may begin it is gone.
  background_->run([this] {
    candidate_->close();
    candidate_.reset();
  });
  phase_ = Phase::kGivingUp;
}

void Swap::finish_giving_up() {
  if (background_->done()) {
    finish(PROC_SWAP_FAILED);
  }
}

void Swap::finish(proc_swap_state state) {
  background_.reset();
  readiness_.clear();
  phase_ = Phase::kIdle;
  const std::lock_guard<std::mutex> lock(mutex_);
  report_.state = state;
  running_.store(false);
}

bool Swap::end(Clock::time_point until) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  if (!running()) {
    return true;
  }
  if (background_ && !background_->wait_until(until)) {
    return false;
  }
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kLoading:
    case Phase::kProving:
      give_up(kEnded);
      break;
    case Phase::kLeaving:
    case Phase::kDraining:
      // The old plugin stays as it is, to be shut down with the other one.
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        moving_ = false;
        report_.error = kEnded;
      }
      finish(PROC_SWAP_DONE);
      break;
    case Phase::kReleasing:
      // A thread is inside the old plugin for a moment.
      for (release(); phase_ == Phase::kReleasing; release()) {
        if (Clock::now() >= until) {
          return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      break;
    case Phase::kClosing:
    case Phase::kGivingUp:
      break;
  }
  if (!running()) {
    return true;
  }
  // A plugin is being closed.
  if (!background_->wait_until(until)) {
    return false;
  }
  phase_ == Phase::kClosing ? finish_closing() : finish_giving_up();
  return true;
}

}  // namespace agones::host
