// SPDX-License-Identifier: Apache-2.0
#include "session/delivery.h"

#include <cxxabi.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "request/event_json.h"

namespace agones::plugin {

namespace {

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

// When the budget's time is over.
TimePoint end_of(const PollBudget& budget) {
  return budget.max_time.count() == 0 ? TimePoint::max() : later(clock_now(), budget.max_time);
}

// Without a look at the clock if there is no limit.
bool is_over(TimePoint end) {
  return end != TimePoint::max() && clock_now() >= end;
}

}  // namespace

void Delivery::wake() {
  // Any order: the system passes it on with the next call, and deliver() looks at it after the descriptor may have been cleared.
  woken_.store(true);
  events_.wake();
}

void Delivery::offer(std::unique_ptr<CompletionBlock> block) noexcept {
  hand_over_.push(std::move(block));
  events_.wake();
}

Result Delivery::poll(PollBudget& budget) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (config_.on_event == nullptr) {
    return invalid("on_event: not set; use proc_poll_events or proc_poll_json");
  }
  deliver(budget, [this](const EventReader::Item& item) {
    count(item);
    to_callback(item);
    reader_.release();
    return true;
  });
  return {};
}

Result Delivery::poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  deliver(budget, [&](const EventReader::Item& item) {
    if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
      to_callback(item);
    } else {
      event_json_.clear();
      write_event(item.event, event_json_);
      const std::string_view json = event_json_.view();
      count(item);
      call_host(item.number, [&] { on_json(context, json.data(), json.size()); });
    }
    reader_.release();
    return true;
  });
  return {};
}

Result Delivery::poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  reader_.release();
  auto* out = reinterpret_cast<char*>(events);
  deliver(budget, [&](EventReader::Item& item) {
    if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
      to_callback(item);
      return false;
    }
    count(item);
    item.event.struct_size = std::min<std::uint32_t>(event_size, sizeof(proc_event));
    give_struct(item.event, reinterpret_cast<proc_event*>(out), event_size);
    out += event_size;
    return true;
  });
  return {};
}

template <typename HandOut>
void Delivery::deliver(PollBudget& budget, const HandOut& hand_out) {
  deliver_now(budget, hand_out);
  if (budget.delivered == 0 && budget.wait.count() != 0) {
    if (!woken_.exchange(false)) {
      events_.fd().wait(budget.wait);
      woken_.store(false);
    }
    deliver_now(budget, hand_out);
  }
}

template <typename HandOut>
void Delivery::deliver_now(PollBudget& budget, const HandOut& hand_out) {
  const TimePoint end = end_of(budget);
  const std::uint32_t most = budget.max_events == 0 ? UINT32_MAX : budget.max_events;
  EventReader::Item item;
  if (stopped_handing_over_.load()) {
    end_offered();
  }
  while (budget.delivered < most) {
    if (!reader_.next(item)) {
      budget.more = false;
      return;
    }
    try {
      budget.delivered += hand_out(item) ? 1 : 0;
    } catch (const std::bad_alloc&) {
      reader_.put_back(item);
      throw;
    }
    if (is_over(end)) {
      break;
    }
  }
  budget.more = reader_.more();
}

void Delivery::deliver_all(TimePoint until) {
  if (config_.on_event == nullptr) {
    return;
  }
  EventReader::Item item;
  while (reader_.next(item)) {
    count(item);
    to_callback(item);
    reader_.release();
    if (is_over(until)) {
      return;
    }
  }
}

void Delivery::count(const EventReader::Item& item) {
  if (item.is_result) {
    admission_.release();
    ++delivered_;
  }
}

void Delivery::to_callback(const EventReader::Item& item) {
  call_host(item.number, [&] {
    if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
      config_.on_log(config_.log_context, &item.log);
    } else if (config_.on_event != nullptr) {
      config_.on_event(config_.event_context, &item.event);
    }
  });
}

template <typename Callback>
void Delivery::call_host(std::uint64_t number, const Callback& callback) {
  try {
    callback();
  } catch (abi::__forced_unwind&) {
    throw;  // the host cancels its own thread
  } catch (...) {
    // What the callback was given counts as handed out, so nothing may be thrown here for lack of memory.
    log_.add_made([&] {
      LogEntry entry(LogKind::kCallbackThrew, PROC_SEVERITY_ERROR, "a callback of the host threw an exception");
      entry.request_id = number;
      return entry;
    });
  }
}

Result Delivery::hand_over(proc_take_fn* take, void* context, PollBudget& budget) {
  const TimePoint end = end_of(budget);
  while (const Completion* offered = hand_over_.front()) {
    if (budget.delivered != 0 && is_over(end)) {
      budget.more = true;
      break;
    }
    const Request& request = *offered->request;
    const proc_moved_request moving = moved(request);
    proc_status status = PROC_ERR_INTERNAL;
    call_host(request.id, [&] { status = take(context, &moving); });
    if (status != PROC_OK) {
      budget.more = true;
      break;
    }
    ids_.ended(request.id);
    hand_over_.pop();
    admission_.release();
    ++delivered_;
    ++budget.delivered;
  }
  return {};
}

proc_moved_request Delivery::moved(const Request& request) const {
  const RequestIds::Known known = ids_.known(request.id);
  const TimePoint now = clock_now();
  const auto left = std::chrono::ceil<milliseconds>(request.deadline - now).count();
  const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(now - request.accepted).count();
  proc_moved_request told{};
  told.struct_size = sizeof(told);
  told.timeout_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, left));
  told.request_id = known.id;
  told.token = request.token;
  told.waited_us = known.waited_us + static_cast<std::uint64_t>(std::max<std::int64_t>(0, waited));
  told.body = {request.encoded().data(), request.encoded().size()};
  told.traceparent = to_text(request.traceparent());
  return told;
}

void Delivery::end_offered() {
  while (auto rest = hand_over_.take_back()) {
    // The link's thread has counted them as handed over, and is their counter's one writer. release: see Session::fill_stats.
    not_taken_.fetch_add(rest->items.size());
    events_.push(std::move(rest));
  }
}

}  // namespace agones::plugin
