// SPDX-License-Identifier: Apache-2.0
#include "session/session.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "platform/library_state.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "request/traceparent.h"
#include "stream/grpc_runtime.h"

namespace agones::plugin {

namespace {

// How long proc_shutdown gives everything to close, after the time for the requests, as the header says.
constexpr milliseconds kClosingTime{1000};
constexpr std::uint32_t kLongestTimeoutMs = 86'400'000;
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

Result check_trace(const proc_text& traceparent) {
  if (traceparent.size == 0) {
    return {};
  }
  if (traceparent.data == nullptr) {
    return invalid("traceparent: data is NULL, size is " + std::to_string(traceparent.size));
  }
  return check_traceparent({traceparent.data, traceparent.size});
}

}  // namespace

Session::Session(SessionConfig config)
    : config_(std::move(config)),
      admission_(config_.max_pending_requests),
      ids_(config_.first_request_id, config_.engine.resend),
      events_(config_.notify_fd),
      log_(config_.log_level, events_, counters_),
      delivery_(config_, events_, ids_, admission_, log_),
      grpc_log_(log_),
      unknown_field_log_(log_),
      engine_(config_.engine, clock_now(), counters_, metrics_, *this),
      link_(config_.link, engine_, *this) {
  library_state::prepared();
  if (log_.wants(PROC_SEVERITY_INFO) && config_.log_summary.count() != 0) {
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
    PROC_TRY(check_protobuf_request(body));
    return accept(body, request, id);
  }
  if (request.format == PROC_FORMAT_JSON || request.format == PROC_FORMAT_MANIFEST) {
    return allocate_json(request, id);
  }
  return invalid("format: " + std::to_string(request.format) + " is none of PROTOBUF, JSON, MANIFEST");
}

// On its own, for the room on the stack that only JSON needs.
Result Session::allocate_json(const proc_request& request, std::uint64_t* id) {
  const JsonRequest json(
      bytes_of(request.body),
      request.format == PROC_FORMAT_MANIFEST ? JsonRequest::Form::kManifest : JsonRequest::Form::kRequest,
      config_.ignore_unknown_fields ? JsonRequest::Unknown::kIgnore : JsonRequest::Unknown::kRefuse);
  if (!json.problem().empty()) {
    return invalid(json.problem());
  }
  if (json.bytes().size() > config_.max_request_bytes) {
    return {PROC_ERR_TOO_LARGE, "the request is larger than a batch may be"};
  }
  Result result = accept(json.bytes(), request, id);
  if (result.ok() && json.ignored() != 0) {
    counters_.unknown_fields.add(json.ignored());
    unknown_field_log_.tell(json.ignored_names());
  }
  return result;
}

Result Session::accept(std::string_view encoded, const proc_request& request, std::uint64_t* id) {
  if (request.timeout_ms > kLongestTimeoutMs) {
    return invalid("timeout_ms: longer than a day");
  }
  const std::string_view traceparent(request.traceparent.data, request.traceparent.size);
  PROC_TRY(check_trace(request.traceparent));

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
  PROC_TRY(check_protobuf_request(body));
  PROC_TRY(check_trace(moved.traceparent));
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
  if (next_turn_.is_too_late_for(deadline)) {
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
  // seq_cst, as link_.wake() does nothing if the link is about to read the phase; release: what was stored before (final_accepted_).
  Phase current = phase_.load();
  while (current < phase && !phase_.compare_exchange_weak(current, phase)) {
  }
  if (phase >= Phase::kEndAll) {
    delivery_.stop_handing_over();
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
  // acquire, and read first: never more than were handed over.
  const std::uint64_t not_taken = delivery_.not_taken();
  counters_.read(stats);
  stats.shut_down += not_taken;
  stats.handed_over -= not_taken;
  stats.pending = admission_.pending();
  stats.accepted = ids_.accepted();
  stats.taken_over = ids_.taken_over();
}

void Session::get_metrics(proc_metrics& metrics) const {
  // Too large for the host's stack.
  const auto filled = std::make_unique<proc_metrics>();
  filled->struct_size = metrics.struct_size;
  metrics_.read(*filled);
  filled->max_pending = config_.max_pending_requests;
  filled->connections[connection_.state()] = 1;
  give_struct(*filled, &metrics, metrics.struct_size);
}

// ---- The poller -------------------------------------------------------------------------------------

Result Session::hand_over(proc_take_fn* take, void* context, PollBudget& budget) {
  const Poller::Right right(delivery_.poller());
  if (!right.held()) {
    return right.result();
  }
  admission_.close();
  handing_over_.store(true);
  enter(Phase::kHandOver);
  return delivery_.hand_over(take, context, budget);
}

Result Session::shutdown(milliseconds timeout) {
  const Poller::Right right(delivery_.poller());
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
  delivery_.end_offered();
  if (library_state::clients() == 1) {
    library_state::release_spare_threads();
  }
  // gRPC's threads end a little after its last user. Nothing can be waited on for that: it is asked.
  while (library_state::clients() == 1 && (library_state::threads_to_wait_for() > 0 || grpc_running())) {
    if (clock_now() >= closing_end) {
      return {PROC_ERR_TIMEOUT, "these threads have not ended: " + library_state::live_thread_names()};
    }
    std::this_thread::sleep_for(milliseconds(1));
    delivery_.deliver_all(TimePoint::max());
  }
  delivery_.deliver_all(TimePoint::max());
  shut_down_ = true;
  return {};
}

Result Session::may_destroy() {
  const Poller::Right right(delivery_.poller());
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
    delivery_.deliver_all(end);
    if ((this->*condition)()) {
      return true;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - clock_now());
    if (left.count() <= 0) {
      return false;
    }
    // In short spells, so that log lines and states are delivered meanwhile.
    progress_.wait(std::min(left, milliseconds(20)));
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
    connection_.close();
  }
  link_ended_.store(true);
  progress_.tell();
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
    next_turn_.promise(eager ? TimePoint::max() : next);
  } while (!intake_.empty() && taken < kMostATurn);
  // Before what is left, the stream is looked at: threads that submit without pause must not keep pulls and answers waiting.
  return intake_.empty() ? next : now;
}

bool Session::finished() {
  // acquire: with the phase comes the number. seq_cst: after WakeTag::complete.
  return phase_.load() == Phase::kGiveUp && engine_.received() == final_accepted_.load() && engine_.unsent() == 0 &&
         engine_.in_flight() == 0;
}

void Session::take_in(TimePoint now) {
  intake_.give(engine_, now, kMostForAPull);
}

void Session::connection_changed(const ConnectionStatus& status, TimePoint now) {
  std::unique_ptr<StateChange> change = connection_.change(status);
  // Of a client that is being replaced nobody wants to know.
  if (!handing_over_.load() && !events_.push(std::move(change))) {
    counters_.states_merged.add();
  }
  engine_.set_reachable(status.state != PROC_CONNECTION_BACKING_OFF, status.reason, now);
}

std::string_view Session::why_no_stream() const noexcept {
  return connection_.reason().empty() ? std::string_view("still connecting to a processor") : connection_.reason();
}

void Session::completed(std::unique_ptr<CompletionBlock> block) noexcept {
  if (block->kind == QueuedEvent::Kind::kHandedOver) {
    delivery_.offer(std::move(block));
  } else {
    if (log_.wants(PROC_SEVERITY_DEBUG)) {
      log_.add_endings(*block);
    }
    events_.push(std::move(block));
  }
  progress_.tell();
}

void Session::log_summary(TimePoint now) noexcept {
  next_summary_ = now + config_.log_summary;
  fill_stats(summary_->stats());
  metrics_.answer_time.read(summary_->answer_time());
  log_.add_made([this] { return summary_->next(connection_.state()); });
}

}  // namespace agones::plugin
