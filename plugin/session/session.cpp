// SPDX-License-Identifier: Apache-2.0
#include "session/session.h"

#include <cxxabi.h>

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "platform/library_state.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

// How long proc_shutdown gives the threads to end, beside the connect timeout, as the header says.
constexpr milliseconds kClosingTime{5000};
constexpr std::uint32_t kLongestTimeoutMs = 86'400'000;
constexpr std::size_t kLongestLine = 8192;
// While there is no thread to be had.
constexpr milliseconds kSpareInterval{1000};

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

TimePoint later(TimePoint now, Duration wait) {
  return wait < TimePoint::max() - now ? now + wait : TimePoint::max();
}

}  // namespace

class Session::PollRight {
 public:
  explicit PollRight(Session& session) : session_(session) {
    if (!session_.polling_.exchange(true)) {
      session_.poller_.store(pthread_self());
      result_ = {};
      held_ = true;
    } else if (pthread_equal(session_.poller_.load(), pthread_self()) != 0) {
      result_ = {PROC_ERR_IN_CALLBACK, "not allowed from a callback"};
    } else {
      result_ = {PROC_ERR_BUSY, "another thread is polling this client"};
    }
  }
  ~PollRight() {
    if (held_) {
      session_.poller_.store(pthread_t{});
      session_.polling_.store(false);
    }
  }
  PollRight(const PollRight&) = delete;
  PollRight& operator=(const PollRight&) = delete;

  bool held() const { return held_; }
  const Result& result() const { return result_; }

 private:
  Session& session_;
  Result result_;
  bool held_ = false;
};

Session::Preparation::Preparation() {
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

Session::Preparation::~Preparation() {
  library_state::prepared();
  if (library_state::clients() == 0) {
    library_state::release_spare_threads();
  }
}

Session::Session(SessionConfig config)
    : config_(std::move(config)),
      admission_(config_.max_pending_requests),
      reader_(events_),
      grpc_log_(*this),
      engine_(config_.engine, clock_now(), counters_, *this),
      link_(config_.link, *this) {
  library_state::prepared();
  thread_ = std::make_unique<Thread>("proc-link", [this] { run_link(); });
  library_state::client_made();
}

Session::~Session() {
  while (taken_ != nullptr) {
    taken_.reset(taken_->next);
  }
  library_state::client_freed();
}

// ---- Host threads -----------------------------------------------------------------------------------

Result Session::allocate(const proc_request& request, std::uint64_t* id) {
  const auto refused = [this](Admission::Answer answer) -> Result {
    if (answer == Admission::Answer::kClosed) {
      return {PROC_ERR_SHUT_DOWN, "the client takes no more requests"};
    }
    return {PROC_ERR_QUEUE_FULL, std::to_string(config_.max_pending_requests) + " requests are pending"};
  };
  if (const auto answer = admission_.look(); answer != Admission::Answer::kAdmitted) {
    return refused(answer);
  }
  std::string_view body(static_cast<const char*>(request.body.data), request.body.size);
  if (body.size() > config_.max_request_bytes) {
    return {PROC_ERR_TOO_LARGE, "the request has " + std::to_string(body.size()) + " bytes, a batch takes at most " +
                                    std::to_string(config_.max_request_bytes)};
  }
  std::string converted;
  if (request.format == PROC_FORMAT_JSON) {
    JsonRequest parsed = parse_json_request(body);
    if (!parsed.problem.empty()) {
      return {PROC_ERR_INVALID_ARGUMENT, std::move(parsed.problem)};
    }
    converted = std::move(parsed.bytes);
    body = converted;
    if (body.size() > config_.max_request_bytes) {
      return {PROC_ERR_TOO_LARGE, "the request is larger than a batch may be"};
    }
  } else if (request.format == PROC_FORMAT_PROTOBUF) {
    if (std::string problem = check_protobuf_request(body); !problem.empty()) {
      return {PROC_ERR_INVALID_ARGUMENT, std::move(problem)};
    }
  } else {
    return {PROC_ERR_INVALID_ARGUMENT, "format: " + std::to_string(request.format) + " is neither PROTOBUF nor JSON"};
  }
  if (request.timeout_ms > kLongestTimeoutMs) {
    return {PROC_ERR_INVALID_ARGUMENT, "timeout_ms: longer than a day"};
  }

  const TimePoint now = clock_now();
  const milliseconds timeout = request.timeout_ms != 0 ? milliseconds(request.timeout_ms) : config_.allocation_timeout;
  const TimePoint deadline = now + timeout;
  RequestPtr accepted = Request::create(body, request.user_data, now, deadline);
  if (accepted == nullptr) {
    return {PROC_ERR_NO_MEMORY, "no memory for the request"};
  }
  if (const auto answer = admission_.admit(); answer != Admission::Answer::kAdmitted) {
    return refused(answer);
  }
  const std::uint64_t given = last_id_.fetch_add(1, std::memory_order_relaxed) + 1;
  accepted->id = given;
  if (id != nullptr) {
    *id = given;
  }
  submitted_.push(std::move(accepted));
  // Whoever finds that the thread sleeps too long wakes it, and only the first one does.
  if (deadline.time_since_epoch().count() < next_turn_.load(std::memory_order_seq_cst) && next_turn_.exchange(0) != 0) {
    link_.wake();
  }
  return {};
}

proc_status Session::cancel(std::uint64_t id) {
  if (id == 0 || id > last_id_.load()) {
    return PROC_ERR_NOT_FOUND;
  }
  if (link_ended()) {
    return PROC_ERR_SHUT_DOWN;
  }
  {
    const std::lock_guard<std::mutex> lock(cancel_mutex_);
    cancels_.push_back(id);
    cancels_waiting_.store(true);
  }
  link_.wake();
  return PROC_OK;
}

void Session::drain(proc_drain_flags flags) {
  admission_.close();
  if ((flags & PROC_DRAIN_RETURN_UNSENT) != 0) {
    enter(Phase::kReturnUnsent);
  }
}

void Session::enter(Phase phase) {
  Phase current = phase_.load();
  while (current < phase && !phase_.compare_exchange_weak(current, phase)) {
  }
  link_.wake();
}

void Session::fill_stats(proc_stats& stats) const {
  stats.pending = admission_.pending();
  stats.unsent = counters_.unsent.get();
  stats.in_flight = counters_.in_flight.get();
  stats.late_answers = counters_.late_answers.get();
  stats.accepted = last_id_.load(std::memory_order_relaxed);
  stats.allocated = counters_.allocated.get();
  stats.rejected = counters_.rejected.get();
  stats.timed_out = counters_.timed_out.get();
  stats.cancelled = counters_.cancelled.get();
  stats.disconnected = counters_.disconnected.get();
  stats.shut_down = counters_.shut_down.get();
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
}

proc_connection_state Session::connection(std::string& reason) const {
  const std::lock_guard<std::mutex> lock(connection_mutex_);
  reason = connection_.reason;
  return connection_.state;
}

// ---- The poller -------------------------------------------------------------------------------------

Result Session::poll(std::uint32_t max_events, std::chrono::microseconds max_time, milliseconds wait,
                     std::uint32_t& delivered) {
  const PollRight right(*this);
  if (!right.held()) {
    return right.result();
  }
  if (config_.on_event == nullptr) {
    return {PROC_ERR_INVALID_ARGUMENT, "on_event: not set; use proc_poll_events"};
  }
  const auto until = [max_time] { return max_time.count() == 0 ? TimePoint::max() : later(clock_now(), max_time); };
  delivered = deliver(max_events, until());
  if (delivered == 0 && wait.count() != 0) {
    events_.fd().wait(wait);
    delivered = deliver(max_events, until());
  }
  return {};
}

std::uint32_t Session::deliver(std::uint32_t max_events, TimePoint until) {
  const std::uint32_t most = max_events == 0 ? UINT32_MAX : max_events;
  std::uint32_t delivered = 0;
  EventReader::Item item;
  while (delivered < most && reader_.next(item)) {
    ++delivered;
    deliver_one(item);
    reader_.release();
    if (until != TimePoint::max() && clock_now() >= until) {
      break;
    }
  }
  return delivered;
}

void Session::deliver_one(const EventReader::Item& item) {
  if (item.is_result) {
    admission_.release();
    ++delivered_;
  }
  try {
    if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
      config_.on_log(config_.log_context, &item.log);
    } else if (config_.on_event != nullptr) {
      config_.on_event(config_.event_context, &item.event);
    }
  } catch (abi::__forced_unwind&) {
    throw;  // the host cancels its own thread
  } catch (...) {
    add_log(PROC_SEVERITY_ERROR, "session", "a callback of the host threw an exception", item.event.request_id);
  }
}

Result Session::poll_events(proc_event* events, std::uint32_t event_size, std::uint32_t capacity, milliseconds wait,
                            std::uint32_t& count) {
  const PollRight right(*this);
  if (!right.held()) {
    return right.result();
  }
  reader_.release();
  auto* out = reinterpret_cast<char*>(events);
  const std::size_t known = std::min<std::size_t>(event_size, sizeof(proc_event));
  const auto fill = [&] {
    EventReader::Item item;
    while (count < capacity && reader_.next(item)) {
      if (item.event.type == PROC_EVENT_LOG && config_.on_log != nullptr) {
        deliver_one(item);
        continue;
      }
      if (item.is_result) {
        admission_.release();
        ++delivered_;
      }
      item.event.struct_size = static_cast<std::uint32_t>(known);
      std::copy_n(reinterpret_cast<const char*>(&item.event), known, out + std::size_t{count} * event_size);
      ++count;
    }
  };
  fill();
  if (count == 0 && wait.count() != 0) {
    events_.fd().wait(wait);
    fill();
  }
  return {};
}

Result Session::shutdown(milliseconds timeout) {
  const PollRight right(*this);
  if (!right.held()) {
    return right.result();
  }
  if (shut_down_) {
    return {};
  }
  admission_.close();
  enter(Phase::kReturnUnsent);
  wait_until(timeout, &Session::all_ended);
  final_accepted_.store(accepted());
  enter(Phase::kGiveUp);
  // An attempt to connect that gets no answer ends with its timeout, not sooner.
  const milliseconds closing_time = kClosingTime + config_.link.transport.connect_timeout;
  if (!wait_until(closing_time, &Session::link_ended)) {
    return {PROC_ERR_TIMEOUT, "the connection to the processor has not closed: " + link_.closing_on()};
  }
  thread_->join();
  if (library_state::clients() == 1) {
    library_state::release_spare_threads();
  }
  // gRPC's threads end a little after its last user. Nothing can be waited on for that: it is asked.
  const TimePoint end = clock_now() + closing_time;
  while (library_state::clients() == 1 && (library_state::live_threads() != 0 || grpc_running())) {
    if (clock_now() >= end) {
      return {PROC_ERR_TIMEOUT, "these threads have not ended: " + library_state::live_thread_names()};
    }
    std::this_thread::sleep_for(milliseconds(1));
    if (config_.on_event != nullptr) {
      deliver(0, TimePoint::max());
    }
  }
  if (config_.on_event != nullptr) {
    deliver(0, TimePoint::max());
  }
  shut_down_ = true;
  return {};
}

Result Session::may_destroy() {
  const PollRight right(*this);
  if (!right.held()) {
    return right.result();
  }
  if (!shut_down_) {
    return {PROC_ERR_BUSY, "the client was not shut down"};
  }
  return {};
}

bool Session::wait_until(milliseconds timeout, bool (Session::*condition)() const) {
  const TimePoint end = later(clock_now(), timeout);
  while (true) {
    if (config_.on_event != nullptr) {
      deliver(0, end);
    }
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
                              counters_.cancelled.get() + counters_.disconnected.get() + counters_.shut_down.get();
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

void Session::take_in() {
  // Cancels first: the requests that they name were pushed before them.
  if (cancels_waiting_.load()) {
    const std::lock_guard<std::mutex> lock(cancel_mutex_);
    if (taken_cancels_.empty()) {
      taken_cancels_.swap(cancels_);
    } else {
      taken_cancels_.insert(taken_cancels_.end(), cancels_.begin(), cancels_.end());
      cancels_.clear();
    }
    cancels_waiting_.store(false);
  }
  do {
    if (taken_ == nullptr) {
      taken_.reset(submitted_.take_all());
    }
    while (taken_ != nullptr) {
      Request* following = taken_->next;
      engine_.submit(std::move(taken_));
      taken_.reset(following);
    }
  } while (!submitted_.empty());
}

void Session::cancel_taken(TimePoint now) {
  while (!taken_cancels_.empty()) {
    engine_.cancel(taken_cancels_.back(), now);
    taken_cancels_.pop_back();
  }
}

TimePoint Session::turn(TimePoint now) {
  if (now >= next_spare_ && !library_state::keep_spare_thread()) {
    next_spare_ = now + kSpareInterval;
  }
  TimePoint next{};
  do {
    take_in();
    cancel_taken(now);
    if (phase_.load() >= Phase::kReturnUnsent) {
      engine_.return_unsent(now);
    }
    if (phase_.load() >= Phase::kGiveUp) {
      engine_.give_up_in_flight(now);
    }
    engine_.end_due(now);
    next = engine_.next_deadline().value_or(TimePoint::max());
    // Promised before the last look at the queue, so that no request can slip in between unseen.
    next_turn_.store(engine_.eager() ? TimePoint::max().time_since_epoch().count() : next.time_since_epoch().count(),
                     std::memory_order_seq_cst);
  } while (!submitted_.empty());
  return next;
}

bool Session::finished() {
  return phase_.load() == Phase::kGiveUp && engine_.received() == final_accepted_.load() && engine_.unsent() == 0 &&
         engine_.in_flight() == 0;
}

void Session::stream_opened(const std::string& client_id, TimePoint now) {
  engine_.stream_opened(client_id, now);
  add_log(PROC_SEVERITY_INFO, "stream", "stream opened as " + client_id);
}

void Session::stream_lost(std::string_view reason, TimePoint now) {
  engine_.stream_lost(reason, now);
}

bool Session::stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) {
  return engine_.stream_replaced(stream, reason, now);
}

bool Session::receive_late(std::uint64_t stream, std::string bytes, TimePoint now) {
  return engine_.receive_late(stream, std::move(bytes), now);
}

void Session::late_stream_closed(std::uint64_t stream) {
  engine_.late_stream_closed(stream);
}

Received Session::message(std::string bytes, TimePoint now) {
  // A pull covers what was submitted before it came, also what this thread has not looked at yet.
  take_in();
  cancel_taken(now);
  return engine_.receive(std::move(bytes), now);
}

std::optional<std::string> Session::next_message(TimePoint now) {
  std::optional<Engine::Batch> batch = engine_.next_batch(now);
  if (!batch) {
    return std::nullopt;
  }
  if (config_.log_level <= PROC_SEVERITY_DEBUG) {
    add_log(PROC_SEVERITY_DEBUG, "stream", "batch of " + std::to_string(batch->requests) + " requests sent", 0,
            batch->id);
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
  if (!events_.push(std::move(change))) {
    counters_.states_merged.add();
  }
  engine_.set_reachable(status.state != PROC_CONNECTION_BACKING_OFF, status.reason, now);
}

void Session::log(proc_severity severity, std::string_view message) noexcept {
  add_log(severity, "stream", message);
}

void Session::completed(std::unique_ptr<CompletionBlock> block) noexcept {
  events_.push(std::move(block));
  progress_.notify_all();
}

void Session::warn(std::string message, std::uint64_t request_id, std::uint64_t batch_id) noexcept {
  add_log(PROC_SEVERITY_WARNING, "engine", message, request_id, batch_id);
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
  add_log(repeated ? PROC_SEVERITY_DEBUG : PROC_SEVERITY_WARNING, "grpc", message);
}

void Session::add_log(proc_severity severity, const char* channel, std::string_view message, std::uint64_t request_id,
                      std::uint64_t batch_id) noexcept {
  if (severity < config_.log_level) {
    return;
  }
  bool pushed = false;
  try {
    auto line = std::make_unique<LogLine>();
    line->severity = severity;
    line->time_unix_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    line->channel = channel;
    line->message = to_line(cut_utf8(message, kLongestLine));
    line->request_id = request_id;
    line->batch_id = batch_id;
    pushed = events_.push(std::move(line));
  } catch (const std::bad_alloc&) {
    pushed = false;
  }
  if (!pushed) {
    counters_.log_lines_dropped.add();
  }
}

}  // namespace agones::plugin
