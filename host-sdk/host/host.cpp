// SPDX-License-Identifier: Apache-2.0
#include "host/host.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "host/plugin_search.h"
#include "host/shared_plugins.h"

namespace agones::host {

using plugin::PollBudget;
using plugin::Result;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

std::unique_ptr<Generation> first_generation(const HostConfig& config) {
  const std::uint64_t first_id = std::max<std::uint64_t>(1, config.known().first_request_id);
  return std::make_unique<Generation>(
      SharedPlugin(find_plugin(config.plugin_file()), config.load_options(config.sha256())), config, first_id);
}

}  // namespace

Host::Host(const proc_config& config)
    : config_(config),
      readiness_(config_.known().notify_fd),
      roles_(first_generation(config_)),
      swap_(roles_, config_, readiness_) {
  readiness_.watch(roles_.current().wakeup_fd());
}

Host::Counted::Counted() {
  client_made();
}

Host::Counted::~Counted() {
  client_freed();
}

// ---- Any thread -------------------------------------------------------------------------------------

Result Host::cancel(std::uint64_t id) {
  std::array<char, 256> error{};
  const auto cancel_in = [&](const Roles::Visit& visit) {
    return visit->api().cancel(visit->client(), id, error.data(), error.size());
  };
  const auto cancel_in_current = [&] { return cancel_in(roles_.visit_current()); };
  proc_status status = cancel_in_current();
  if (status != PROC_ERR_NOT_FOUND) {
    return {status, error.data()};
  }
  const bool moving = swap_.cancel_in_transit(id);
  if (const Roles::Visit old = roles_.visit_old()) {
    status = cancel_in(old);
  }
  if (!moving && status == PROC_ERR_NOT_FOUND) {
    // It may have arrived in the meantime.
    status = cancel_in_current();
  }
  if (status == PROC_ERR_SHUT_DOWN || (status == PROC_ERR_NOT_FOUND && swap_.gave_out(id))) {
    return {};  // it ended long ago
  }
  return {status, error.data()};
}

Result Host::drain(proc_drain_flags flags) {
  std::array<char, 256> error{};
  while (true) {
    const Roles::Visit visit = roles_.visit_current();
    const proc_status status = visit->api().drain(visit->client(), flags, error.data(), error.size());
    if (status != PROC_OK) {
      return {status, error.data()};
    }
    // A plugin that comes after this is drained when it comes. seq_cst: step() gives the role and then looks here, this looks who has
    // the role afterwards.
    drained_.store(flags);
    if (&*roles_.visit_current() == &*visit) {
      return {};
    }
  }
}

void Host::wake() {
  woken_.store(true);
  interrupt_wait();
}

void Host::interrupt_wait() {
  const Roles::Visit current = roles_.visit_current();
  current->api().wake(current->client(), nullptr, 0);
  readiness_.tell();
}

Result Host::start_swap(const std::string& file, const std::string& sha256) {
  Result started = swap_.start(file, sha256);
  if (started.ok()) {
    // Whoever waits is to see to the swap now.
    interrupt_wait();
  }
  return started;
}

// ---- The polling thread -----------------------------------------------------------------------------

Result Host::poll_all(Source& source, PollBudget& budget) {
  const plugin::Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  const Clock::time_point start = Clock::now();
  const bool for_ever = budget.wait.count() < 0;
  while (true) {
    const Clock::time_point begin = Clock::now();
    bool swap_ended = false;
    if (swap_.running()) {
      // Half of the time at most, so that events come all the same.
      step(budget.max_time.count() == 0 ? microseconds(0) : std::max(microseconds(1), budget.max_time / 2));
      swap_ended = !swap_.running();
    }
    const auto left =
        for_ever ? milliseconds(-1)
                 : std::max(milliseconds(0), std::chrono::ceil<milliseconds>(start + budget.wait - Clock::now()));
    const bool may_wait = left.count() != 0 && !swap_ended && !woken_.load();
    const bool swapping = swap_.running();
    Result result = poll_once(source, budget, begin, may_wait && !swapping ? left : milliseconds(0));
    if (!result.ok() || budget.delivered != 0 || budget.more || left.count() == 0) {
      return result;
    }
    if (swap_ended || woken_.exchange(false)) {
      return {};
    }
    if (swapping) {
      readiness_.wait(left);
    }
  }
}

Result Host::poll_once(Source& source, PollBudget& budget, Clock::time_point begin, milliseconds wait) {
  budget.more = false;
  if (Generation* old = roles_.old()) {
    Result result = poll_one(source, *old, budget, begin, milliseconds(0));
    if (!result.ok() || budget.more) {
      return result;
    }
  }
  give_news(source, budget);
  return poll_one(source, roles_.current(), budget, begin, budget.delivered != 0 ? milliseconds(0) : wait);
}

Result Host::poll_one(Source& source, Generation& generation, PollBudget& budget, Clock::time_point begin,
                      milliseconds wait) {
  Source::Limits limits{0, 0, static_cast<std::int32_t>(std::min<std::int64_t>(wait.count(), INT32_MAX))};
  if (budget.max_events != 0) {
    limits.max_events = budget.max_events - budget.delivered;
    if (limits.max_events == 0) {
      budget.more = true;  // perhaps
      return {};
    }
  }
  if (budget.max_time.count() != 0) {
    const auto used = duration_cast<microseconds>(Clock::now() - begin);
    if (used >= budget.max_time && budget.delivered != 0) {
      budget.more = true;  // perhaps
      return {};
    }
    // However little is left, the first event comes.
    limits.max_time_us = static_cast<std::uint32_t>(std::max(microseconds(1), budget.max_time - used).count());
  }
  std::uint32_t delivered = 0;
  std::uint32_t more = 0;
  std::array<char, 512> error{};
  const std::uint64_t told_before = generation.told().count();
  const proc_status status = source.poll(generation, limits, delivered, more, error.data(), error.size());
  if (generation.told().count() != told_before) {
    told_ = generation.told().state();
  }
  budget.delivered += delivered;
  budget.more = budget.more || more != 0;
  return {status, status == PROC_OK ? std::string() : std::string(error.data())};
}

void Host::give_news(Source& source, PollBudget& budget) {
  const ConnectionTold& now = roles_.current().told();
  if (now.state() == told_ || now.count() == 0 || (budget.max_events != 0 && budget.delivered == budget.max_events)) {
    return;
  }
  news_ = now;
  source.give(news_.event());
  told_ = now.state();
  ++budget.delivered;
}

void Host::step(microseconds time) {
  readiness_.clear();
  const Generation* before = &roles_.current();
  swap_.step(time);
  const Generation& current = roles_.current();
  if (const std::int64_t flags = drained_.load(); flags != kNotDrained && &current != before) {
    current.api().drain(current.client(), static_cast<proc_drain_flags>(flags), nullptr, 0);
  }
}

Result Host::hand_over(proc_take_fn* take, void* context, PollBudget& budget) {
  const plugin::Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  std::uint32_t count = 0;
  std::uint32_t more = 0;
  std::array<char, 512> error{};
  const Generation& current = roles_.current();
  const proc_status status =
      current.api().hand_over(current.client(), take, context, static_cast<std::uint32_t>(budget.max_time.count()),
                              &count, &more, error.data(), error.size());
  budget.delivered = count;
  budget.more = more != 0;
  return {status, error.data()};
}

Result Host::shutdown(milliseconds timeout) {
  const plugin::Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (shut_down_) {
    return {};
  }
  const Clock::time_point end = Clock::now() + timeout;
  if (!swap_.end(end + config_.closing_time())) {
    return {PROC_ERR_TIMEOUT, "the swap has not ended: a plugin is being loaded, or closes its connection"};
  }
  std::array<char, 1024> error{};
  for (Generation* generation : {roles_.old(), &roles_.current()}) {
    if (generation == nullptr) {
      continue;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
    const auto left_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, UINT32_MAX));
    const proc_status status = generation->api().shutdown(generation->client(), left_ms, error.data(), error.size());
    if (status != PROC_OK) {
      return {status, error.data()};
    }
  }
  shut_down_ = true;
  return {};
}

Result Host::may_destroy() {
  const plugin::Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (!shut_down_) {
    return {PROC_ERR_BUSY, "the client was not shut down"};
  }
  return {};
}

}  // namespace agones::host
