// SPDX-License-Identifier: Apache-2.0
#include "session/session.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include "contract/names.h"
#include "platform/library_state.h"
#include "request/event_json.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "request/traceparent.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

// How long proc_shutdown gives everything to close, after the time for the requests, as the header says.
constexpr milliseconds kClosingTime{1000};
constexpr std::uint32_t kLongestTimeoutMs = 86'400'000;
constexpr std::size_t kLongestLine = 8192;
// Requests that the engine is given from one look at the stream to the next, and before a message of the stream is read: a
// few milliseconds' worth, and the largest batch that there is.
constexpr std::size_t kMostATurn = 4'096;
constexpr std::size_t kMostForAPull = 65'536;
// While there is no thread to be had.
constexpr milliseconds kSpareInterval{1000};

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

std::string_view bytes_of(const proc_bytes& bytes) {
  return {static_cast<const char*>(bytes.data), bytes.size};
}

// Empty, or what is wrong with it.
std::string check_trace(const proc_text& traceparent) {
  if (traceparent.size == 0) {
    return {};
  }
  if (traceparent.data == nullptr) {
    return "traceparent: data is NULL, size is " + std::to_string(traceparent.size);
  }
  return check_traceparent({traceparent.data, traceparent.size});
}

TimePoint later(TimePoint now, Duration wait) {
  return wait < TimePoint::max() - now ? now + wait : TimePoint::max();
}

}  // namespace

Session::GrpcReserve::GrpcReserve() {
  if (grpc_running()) {
    return;
  }
  try {
    library_state::prepare();
  } catch (...) {
    library_state::prepared();
    library_state::release_spare_threads();
    throw;
  }
}

Session::GrpcReserve::~GrpcReserve() {
  library_state::prepared();
  if (library_state::clients() == 0) {
    library_state::release_spare_threads();
  }
}

Session::Counted::Counted() {
  library_state::client_made();
}

Session::Counted::~Counted() {
  library_state::client_freed();
}

Session::Session(SessionConfig config)
    : config_(std::move(config)),
      admission_(config_.max_pending_requests),
      ids_(config_.first_request_id, config_.engine.resend),
      events_(config_.notify_fd),
      reader_(events_, ids_),
      grpc_log_(*this),
      engine_(config_.engine, clock_now(), counters_, metrics_, *this),
      link_(config_.link, *this) {
  library_state::prepared();
  if (logs(PROC_SEVERITY_INFO) && config_.log_summary.count() != 0) {
    summary_ = std::make_unique<Summary>();
    next_summary_ = clock_now() + config_.log_summary;
  }
  // Last: the thread ends by proc_shutdown alone, so nothing may fail once it runs.
  thread_ = std::make_unique<Thread>("proc-link", [this] { run_link(); });
}

Session::~Session() = default;

// ---- Host threads -----------------------------------------------------------------------------------

Result Session::allocate(const proc_request& request, std::uint64_t* id) {
  if (const auto answer = admission_.look(); answer != Admission::Answer::kAdmitted) {
    return refusal(answer);
  }
  if (request.body.size > config_.max_request_bytes) {
    return {PROC_ERR_TOO_LARGE, "the request has " + std::to_string(request.body.size) +
                                    " bytes, a batch takes at most " + std::to_string(config_.max_request_bytes)};
  }
  if (request.format == PROC_FORMAT_PROTOBUF) {
    const std::string_view body = bytes_of(request.body);
    if (std::string problem = check_protobuf_request(body); !problem.empty()) {
      return invalid(std::move(problem));
    }
    return accept(body, request, id);
  }
  if (request.format == PROC_FORMAT_JSON || request.format == PROC_FORMAT_MANIFEST) {
    return allocate_json(request, id);
  }
  return invalid("format: " + std::to_string(request.format) + " is none of PROTOBUF, JSON, MANIFEST");
}

// On its own, for the room on the stack that only JSON needs.
Result Session::allocate_json(const proc_request& request, std::uint64_t* id) {
  const JsonRequest json(bytes_of(request.body), request.format == PROC_FORMAT_MANIFEST ? JsonRequest::Form::kManifest
                                                                                        : JsonRequest::Form::kRequest);
  if (!json.problem().empty()) {
    return invalid(json.problem());
  }
  if (json.bytes().size() > config_.max_request_bytes) {
    return {PROC_ERR_TOO_LARGE, "the request is larger than a batch may be"};
  }
  return accept(json.bytes(), request, id);
}

Result Session::accept(std::string_view encoded, const proc_request& request, std::uint64_t* id) {
  if (request.timeout_ms > kLongestTimeoutMs) {
    return invalid("timeout_ms: longer than a day");
  }
  const std::string_view traceparent(request.traceparent.data, request.traceparent.size);
  if (std::string problem = check_trace(request.traceparent); !problem.empty()) {
    return invalid(std::move(problem));
  }

  const TimePoint now = clock_now();
  const milliseconds timeout = request.timeout_ms != 0 ? milliseconds(request.timeout_ms) : config_.allocation_timeout;
  RequestPtr accepted = Request::create(encoded, traceparent, request.token, now, now + timeout);
  if (accepted == nullptr) {
    return {PROC_ERR_NO_MEMORY, "no memory for the request"};
  }
  if (const auto answer = admission_.admit(); answer != Admission::Answer::kAdmitted) {
    return refusal(answer);
  }
  accepted->id = ids_.next();
  if (id != nullptr) {
    *id = ids_.own_id(accepted->id);
  }
  submit(std::move(accepted));
  return {};
}

Result Session::take_over(const proc_moved_request& moved) {
  const std::string_view body = bytes_of(moved.body);
  const std::string_view traceparent(moved.traceparent.data, moved.traceparent.size);
  if (body.size() > config_.max_request_bytes) {
    return {PROC_ERR_TOO_LARGE, "the request is larger than a batch may be"};
  }
  if (std::string problem = check_protobuf_request(body); !problem.empty()) {
    return invalid(std::move(problem));
  }
  if (std::string problem = check_trace(moved.traceparent); !problem.empty()) {
    return invalid(std::move(problem));
  }
  if (moved.timeout_ms == 0 || moved.timeout_ms > kLongestTimeoutMs) {
    return invalid("timeout_ms: " + std::to_string(moved.timeout_ms) + " is not from 1 to a day");
  }
  const TimePoint now = clock_now();
  RequestPtr taken = Request::create(body, traceparent, moved.token, now, now + milliseconds(moved.timeout_ms));
  if (taken == nullptr) {
    return {PROC_ERR_NO_MEMORY, "no memory for the request"};
  }
  if (admission_.sealed()) {
    return refusal(Admission::Answer::kClosed);
  }
  const std::optional<std::uint64_t> number = ids_.take_over(moved.request_id, moved.waited_us);
  if (!number) {
    return invalid("request_id: " + std::to_string(moved.request_id) +
                   " is 0, may be one of this client's own, or was taken over before");
  }
  if (!admission_.admit_moved()) {
    ids_.ended(*number);
    return refusal(Admission::Answer::kClosed);
  }
  taken->id = *number;
  submit(std::move(taken));
  return {};
}

Result Session::refusal(Admission::Answer answer) const {
  if (answer == Admission::Answer::kClosed) {
    return {PROC_ERR_SHUT_DOWN, "the client takes no more requests"};
  }
  return {PROC_ERR_QUEUE_FULL, std::to_string(config_.max_pending_requests) + " requests are pending"};
}

void Session::submit(RequestPtr request) noexcept {
  const TimePoint deadline = request->deadline;
  intake_.submit(std::move(request));
  // Whoever finds that the thread sleeps too long wakes it, and only the first one does.
  if (deadline.time_since_epoch().count() < next_turn_.load(std::memory_order_seq_cst) && next_turn_.exchange(0) != 0) {
    link_.wake();
  }
}

Result Session::cancel(std::uint64_t id) {
  const std::optional<std::uint64_t> number = ids_.number_of(id);
  if (!number) {
    return {PROC_ERR_NOT_FOUND, "request_id: " + std::to_string(id) + " was never given out"};
  }
  if (link_ended()) {
    return {PROC_ERR_SHUT_DOWN, "the client was shut down"};
  }
  intake_.cancel(*number);
  link_.wake();
  return {};
}

Result Session::drain(proc_drain_flags flags) {
  if (flags != PROC_DRAIN_FINISH && flags != PROC_DRAIN_RETURN_UNSENT && flags != PROC_DRAIN_END_ALL) {
    return invalid("flags: " + std::to_string(flags) + " is unknown");
  }
  admission_.close();
  if (flags == PROC_DRAIN_RETURN_UNSENT) {
    enter(Phase::kReturnUnsent);
  } else if (flags == PROC_DRAIN_END_ALL) {
    enter(Phase::kEndAll);
    // Whoever waits for events is to end what nobody took over.
    events_.wake();
  }
  return {};
}

void Session::enter(Phase phase) {
  Phase current = phase_.load();
  while (current < phase && !phase_.compare_exchange_weak(current, phase)) {
  }
  link_.wake();
}

void Session::get_stats(proc_stats& stats) const {
  proc_stats filled{};
  filled.struct_size = stats.struct_size;
  fill_stats(filled);
  give_struct(filled, &stats, stats.struct_size);
}

void Session::fill_stats(proc_stats& stats) const {
  stats.pending = admission_.pending();
  stats.unsent = counters_.unsent.get();
  stats.in_flight = counters_.in_flight.get();
  stats.late_answers = counters_.late_answers.get();
  stats.open_streams = counters_.open_streams.get();
  stats.window = counters_.window.get();
  stats.accepted = ids_.accepted();
  stats.allocated = counters_.allocated.get();
  stats.rejected = counters_.rejected.get();
  stats.timed_out = counters_.timed_out.get();
  stats.cancelled = counters_.cancelled.get();
  stats.disconnected = counters_.disconnected.get();
  // Read first: never more than were handed over.
  const std::uint64_t not_taken = not_taken_.load();
  stats.shut_down = counters_.shut_down.get() + not_taken;
  stats.handed_over = counters_.handed_over.get() - not_taken;
  stats.taken_over = ids_.taken_over();
  stats.orphans = counters_.orphans.get();
  stats.resent = counters_.resent.get();
  stats.streams = counters_.streams.get();
  stats.pulls = counters_.pulls.get();
  stats.batches_sent = counters_.batches_sent.get();
  stats.batches_answered = counters_.batches_answered.get();
  stats.duplicate_answers = counters_.duplicate_answers.get();
  stats.unknown_answers = counters_.unknown_answers.get();
  stats.malformed_messages = counters_.malformed_messages.get();
  stats.log_lines_dropped = counters_.log_lines_dropped.get();
  stats.orphans_dropped = counters_.orphans_dropped.get();
  stats.late_answers_forgotten = counters_.late_answers_forgotten.get();
  stats.states_merged = counters_.states_merged.get();
  stats.unknown = counters_.unknown.get();
  stats.log_lines_suppressed = counters_.log_lines_suppressed.get();
}

void Session::get_metrics(proc_metrics& metrics) const {
  // Too large for the host's stack.
  const auto filled = std::make_unique<proc_metrics>();
  filled->struct_size = metrics.struct_size;
  metrics_.read(*filled);
  filled->max_pending = config_.max_pending_requests;
  {
    const std::lock_guard<std::mutex> lock(connection_mutex_);
    filled->connections[connection_.state] = 1;
  }
  give_struct(*filled, &metrics, metrics.struct_size);
}

proc_connection_state Session::connection(std::string& reason) const {
  const std::lock_guard<std::mutex> lock(connection_mutex_);
  reason = connection_.reason;
  return connection_.state;
}

// ---- The poller -------------------------------------------------------------------------------------

void Session::wake() {
  woken_.store(true);
  events_.wake();
}

Result Session::poll(PollBudget& budget) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (config_.on_event == nullptr) {
    return invalid("on_event: not set; use proc_poll_events or proc_poll_json");
  }
  deliver(budget, [this](const EventReader::Item& item) {
    count_delivered(item);
    to_callback(item);
    reader_.release();
    return true;
  });
  return {};
}

Result Session::poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) {
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
      count_delivered(item);
      call_host(item.number, [&] { on_json(context, json.data(), json.size()); });
    }
    reader_.release();
    return true;
  });
  return {};
}

Result Session::poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) {
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
    count_delivered(item);
    item.event.struct_size = std::min<std::uint32_t>(event_size, sizeof(proc_event));
    give_struct(item.event, reinterpret_cast<proc_event*>(out), event_size);
    out += event_size;
    return true;
  });
  return {};
}

template <typename HandOut>
void Session::deliver(PollBudget& budget, const HandOut& hand_out) {
  const auto deliver_now = [&] {
    const TimePoint until = budget.max_time.count() == 0 ? TimePoint::max() : later(clock_now(), budget.max_time);
    const std::uint32_t most = budget.max_events == 0 ? UINT32_MAX : budget.max_events;
    EventReader::Item item;
    if (phase_.load() >= Phase::kEndAll) {
      end_handing_over();
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
      if (until != TimePoint::max() && clock_now() >= until) {
        break;
      }
    }
    budget.more = reader_.more();
  };
  deliver_now();
  if (budget.delivered == 0 && budget.wait.count() != 0) {
    if (!woken_.exchange(false)) {
      events_.fd().wait(budget.wait);
      woken_.store(false);
    }
    deliver_now();
  }
}

void Session::count_delivered(const EventReader::Item& item) {
  if (item.is_result) {
    admission_.release();
    ++delivered_;
  }
}

void Session::to_callback(const EventReader::Item& item) {
  call_host(item.number, [&] {
    if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
      config_.on_log(config_.log_context, &item.log);
    } else if (config_.on_event != nullptr) {
      config_.on_event(config_.event_context, &item.event);
    }
  });
}

template <typename Callback>
void Session::call_host(std::uint64_t number, const Callback& callback) {
  try {
    callback();
  } catch (abi::__forced_unwind&) {
    throw;  // the host cancels its own thread
  } catch (...) {
    log_callback_threw(number);
  }
}

// What the callback was given counts as handed out, so nothing may be thrown here for lack of memory.
void Session::log_callback_threw(std::uint64_t number) noexcept {
  try {
    LogEntry entry(LogKind::kCallbackThrew, PROC_SEVERITY_ERROR, "a callback of the host threw an exception");
    entry.request_id = number;
    log(std::move(entry));
  } catch (const std::bad_alloc&) {
    counters_.log_lines_dropped.add();
  }
}

// What can be had now, for proc_shutdown.
void Session::deliver_all(TimePoint until) {
  if (config_.on_event == nullptr) {
    return;
  }
  EventReader::Item item;
  while (reader_.next(item)) {
    count_delivered(item);
    to_callback(item);
    reader_.release();
    if (until != TimePoint::max() && clock_now() >= until) {
      return;
    }
  }
}

Result Session::hand_over(proc_take_fn* take, void* context, PollBudget& budget) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  admission_.close();
  handing_over_.store(true);
  enter(Phase::kHandOver);
  const TimePoint until = budget.max_time.count() == 0 ? TimePoint::max() : later(clock_now(), budget.max_time);
  while (const Completion* given = hand_over_.front()) {
    if (until != TimePoint::max() && budget.delivered != 0 && clock_now() >= until) {
      budget.more = true;
      break;
    }
    const Request& request = *given->request;
    const RequestIds::Known known = ids_.known(request.id);
    const TimePoint now = clock_now();
    const auto left = std::chrono::ceil<milliseconds>(request.deadline - now).count();
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(now - request.accepted).count();
    proc_moved_request moved{};
    moved.struct_size = sizeof(moved);
    moved.timeout_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, left));
    moved.request_id = known.id;
    moved.token = request.token;
    moved.waited_us = known.waited_us + static_cast<std::uint64_t>(std::max<std::int64_t>(0, waited));
    moved.body = {request.encoded().data(), request.encoded().size()};
    moved.traceparent = to_text(request.traceparent());
    proc_status status = PROC_ERR_INTERNAL;
    call_host(request.id, [&] { status = take(context, &moved); });
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

void Session::end_handing_over() {
  while (auto rest = hand_over_.take_back()) {
    // The link's thread has counted them as handed over, and is their counter's one writer.
    not_taken_.fetch_add(rest->items.size());
    events_.push(std::move(rest));
  }
}

Result Session::shutdown(milliseconds timeout) {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (shut_down_) {
    return {};
  }
  const TimePoint end = later(clock_now(), timeout);
  const TimePoint closing_end = later(end, kClosingTime);
  admission_.close();
  enter(Phase::kReturnUnsent);
  wait_until(end, &Session::all_ended);
  admission_.seal();
  final_accepted_.store(accepted());
  enter(Phase::kGiveUp);
  if (!wait_until(closing_end, &Session::link_ended)) {
    return {PROC_ERR_TIMEOUT, "the connection to the processor has not closed: " + link_.closing_on()};
  }
  thread_->join();
  end_handing_over();
  if (library_state::clients() == 1) {
    library_state::release_spare_threads();
  }
  // gRPC's threads end a little after its last user. Nothing can be waited on for that: it is asked.
  while (library_state::clients() == 1 && (library_state::threads_to_wait_for() > 0 || grpc_running())) {
    if (clock_now() >= closing_end) {
      return {PROC_ERR_TIMEOUT, "these threads have not ended: " + library_state::live_thread_names()};
    }
    std::this_thread::sleep_for(milliseconds(1));
    deliver_all(TimePoint::max());
  }
  deliver_all(TimePoint::max());
  shut_down_ = true;
  return {};
}

Result Session::may_destroy() {
  const Poller::Right right(poller_);
  if (!right.held()) {
    return right.result();
  }
  if (!shut_down_) {
    return {PROC_ERR_BUSY, "the client was not shut down"};
  }
  return {};
}

bool Session::wait_until(TimePoint end, bool (Session::*condition)() const) {
  while (true) {
    deliver_all(end);
    if ((this->*condition)()) {
      return true;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - clock_now());
    if (left.count() <= 0) {
      return false;
    }
    // In short spells, so that log lines and states are delivered meanwhile.
    std::unique_lock<std::mutex> lock(progress_mutex_);
    progress_.wait_for(lock, std::min(left, milliseconds(20)));
  }
}

bool Session::all_ended() const {
  const std::uint64_t ended = counters_.allocated.get() + counters_.rejected.get() + counters_.timed_out.get() +
                              counters_.cancelled.get() + counters_.disconnected.get() + counters_.shut_down.get() +
                              counters_.handed_over.get();
  return ended >= accepted();
}

// ---- The link's thread ------------------------------------------------------------------------------

void Session::run_link() {
  link_.run();
  ConnectionStatus closed;
  closed.state = PROC_CONNECTION_CLOSED;
  try {
    connection_changed(closed, clock_now());
  } catch (const std::bad_alloc&) {
    // Nobody is left to be told but who asks.
    const std::lock_guard<std::mutex> lock(connection_mutex_);
    connection_.state = PROC_CONNECTION_CLOSED;
  }
  link_ended_.store(true);
  progress_.notify_all();
}

TimePoint Session::turn(TimePoint now) {
  if (now >= next_spare_ && !library_state::keep_spare_thread()) {
    next_spare_ = now + kSpareInterval;
  }
  TimePoint next{};
  std::size_t taken = 0;
  do {
    taken += intake_.give(engine_, now, kMostATurn - taken);
    const Phase phase = phase_.load();
    if (phase == Phase::kHandOver) {
      engine_.hand_over_unsent(now);
    }
    if (phase >= Phase::kReturnUnsent) {
      engine_.return_unsent(now);
    }
    if (phase >= Phase::kEndAll) {
      engine_.give_up_in_flight(now);
    }
    engine_.end_due(now);
    next = engine_.next_deadline().value_or(TimePoint::max());
    if (summary_ != nullptr) {
      if (now >= next_summary_) {
        log_summary(now);
      }
      next = std::min(next, next_summary_);
    }
    // Where a request would be sent at once, or a stream be opened for it, its submitter wakes this thread; where it must wait
    // a little, this thread wakes by itself, however many are submitted meanwhile.
    const std::optional<TimePoint> send_at = engine_.next_send(now);
    const bool eager = (send_at && *send_at <= now) || engine_.would_open_stream(now);
    if (send_at && *send_at > now) {
      next = std::min(next, *send_at);
    }
    // Promised before the last look at the queue, so that no request can slip in between unseen.
    next_turn_.store(eager ? TimePoint::max().time_since_epoch().count() : next.time_since_epoch().count(),
                     std::memory_order_seq_cst);
  } while (!intake_.empty() && taken < kMostATurn);
  // Before what is left, the stream is looked at: threads that submit without pause must not keep pulls and answers waiting.
  return intake_.empty() ? next : now;
}

bool Session::finished() {
  return phase_.load() == Phase::kGiveUp && engine_.received() == final_accepted_.load() && engine_.unsent() == 0 &&
         engine_.in_flight() == 0;
}

void Session::stream_opened(std::uint64_t stream, const std::string& client_id, bool first, TimePoint now) {
  engine_.stream_opened(stream, client_id, now);
  LogEntry entry(LogKind::kStreamOpened, first ? PROC_SEVERITY_INFO : PROC_SEVERITY_DEBUG,
                 "stream opened as " + client_id);
  entry.fields.push_back({"client_id", client_id});
  log(std::move(entry));
}

void Session::stream_lost(std::uint64_t stream, std::string_view reason, TimePoint now) {
  engine_.stream_lost(stream, reason, now);
}

void Session::all_streams_lost(std::string_view reason, TimePoint now) {
  engine_.all_streams_lost(reason, now);
}

bool Session::stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) {
  return engine_.stream_replaced(stream, reason, now);
}

bool Session::receive_late(std::uint64_t stream, std::string bytes, TimePoint now) {
  return engine_.receive_late(stream, std::move(bytes), now);
}

void Session::late_stream_closed(std::uint64_t stream) noexcept {
  engine_.late_stream_closed(stream);
}

Received Session::message(std::uint64_t stream, std::string bytes, TimePoint now) {
  // A pull covers what was submitted before it came, also what this thread has not looked at yet.
  intake_.give(engine_, now, kMostForAPull);
  return engine_.receive(stream, std::move(bytes), now);
}

StreamsWanted Session::streams_wanted(TimePoint now) {
  return {engine_.streams_wanted(now), engine_.more_streams_wanted_at(now).value_or(TimePoint::max())};
}

std::optional<std::uint64_t> Session::idle_stream(TimePoint now) {
  return engine_.idle_stream(now);
}

std::optional<std::string> Session::next_message(std::uint64_t stream, TimePoint now) {
  std::optional<Engine::Batch> batch = engine_.next_batch(stream, now);
  if (!batch) {
    return std::nullopt;
  }
  if (logs(PROC_SEVERITY_DEBUG)) {
    LogEntry entry(LogKind::kBatchSent, PROC_SEVERITY_DEBUG,
                   "batch of " + std::to_string(batch->requests) + " requests sent");
    entry.batch_id = batch->id;
    entry.fields.push_back({"requests", std::to_string(batch->requests)});
    log(std::move(entry));
  }
  return std::move(batch->message);
}

void Session::connection_changed(const ConnectionStatus& status, TimePoint now) {
  auto change = std::make_unique<StateChange>();
  change->status = status;
  change->number = ++states_;
  {
    const std::lock_guard<std::mutex> lock(connection_mutex_);
    connection_ = status;
  }
  // Of a client that is being replaced nobody wants to know.
  if (!handing_over_.load() && !events_.push(std::move(change))) {
    counters_.states_merged.add();
  }
  engine_.set_reachable(status.state != PROC_CONNECTION_BACKING_OFF, status.reason, now);
}

// `connection_` is written by this thread alone.
std::string_view Session::why_no_stream() const noexcept {
  return connection_.reason.empty() ? std::string_view("still connecting to a processor") : connection_.reason;
}

void Session::completed(std::unique_ptr<CompletionBlock> block) noexcept {
  if (block->kind == QueuedEvent::Kind::kHandedOver) {
    hand_over_.push(std::move(block));
    events_.wake();
  } else {
    if (logs(PROC_SEVERITY_DEBUG)) {
      log_endings(*block);
    }
    events_.push(std::move(block));
  }
  progress_.notify_all();
}

void Session::grpc_log(std::string_view message) noexcept {
  // It says the same for every attempt.
  bool repeated = false;
  try {
    const std::lock_guard<std::mutex> lock(grpc_message_mutex_);
    repeated = grpc_message_ == message;
    grpc_message_ = message;
  } catch (const std::bad_alloc&) {
    repeated = false;
  }
  try {
    log(LogEntry(LogKind::kGrpc, repeated ? PROC_SEVERITY_DEBUG : PROC_SEVERITY_WARNING, std::string(message)));
  } catch (const std::bad_alloc&) {
    counters_.log_lines_dropped.add();
  }
}

void Session::log_endings(const CompletionBlock& block) noexcept {
  try {
    for (const Completion& ended : block.items) {
      if (ended.request == nullptr || ended.outcome == PROC_OUTCOME_ALLOCATED) {
        continue;
      }
      LogEntry entry(LogKind::kRequestEnded, PROC_SEVERITY_DEBUG,
                     std::string("request ended: ") + outcome_name(ended.outcome));
      entry.request_id = ended.request_id;
      entry.batch_id = ended.batch_id;
      entry.traceparent = ended.request->traceparent();
      entry.fields.push_back({"outcome", outcome_name(ended.outcome)});
      entry.fields.push_back({"delivery", delivery_name(ended.delivery)});
      entry.fields.push_back({"code", std::to_string(ended.code)});
      log(std::move(entry));
    }
  } catch (const std::bad_alloc&) {
    counters_.log_lines_dropped.add();
  }
}

void Session::log_summary(TimePoint now) noexcept {
  next_summary_ = now + config_.log_summary;
  fill_stats(summary_->stats());
  metrics_.answer_time.read(summary_->answer_time());
  try {
    const std::lock_guard<std::mutex> lock(connection_mutex_);
    log(summary_->next(connection_.state));
  } catch (const std::bad_alloc&) {
    counters_.log_lines_dropped.add();
  }
}

// A line that there is no memory or no room for is counted.
void Session::log(LogEntry entry) noexcept {
  if (!logs(entry.severity)) {
    return;
  }
  bool pushed = false;
  try {
    // Who asks for more than INFO wants them all.
    if (entry.severity >= PROC_SEVERITY_INFO) {
      const std::lock_guard<std::mutex> lock(log_limit_mutex_);
      const LogLimit::Verdict verdict = log_limit_.ask(entry.kind, clock_now());
      if (!verdict.allowed) {
        counters_.log_lines_suppressed.add();
        return;
      }
      if (verdict.suppressed != 0) {
        entry.fields.push_back({"suppressed", std::to_string(verdict.suppressed)});
      }
    }
    entry.message = to_line(cut_utf8(entry.message, kLongestLine));
    for (LogField& field : entry.fields) {
      field.value = to_line(cut_utf8(field.value, kLongestLine));
    }
    auto line = std::make_unique<LogLine>(std::move(entry));
    line->time_unix_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    pushed = events_.push(std::move(line));
  } catch (const std::bad_alloc&) {
    pushed = false;
  }
  if (!pushed) {
    counters_.log_lines_dropped.add();
  }
}

}  // namespace agones::plugin
