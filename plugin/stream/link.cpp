// SPDX-License-Identifier: Apache-2.0
#include "stream/link.h"

#include <algorithm>
#include <utility>

#include "platform/library_state.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

// How often names are looked up again while nothing serves, and at most.
constexpr Duration kResolveInterval = milliseconds(1000);
// While closing: how often it is looked whether gRPC has let go.
constexpr Duration kClosingInterval = milliseconds(10);
// After a failure of its own: how long the link does nothing, not even what costs no memory.
constexpr Duration kFailureInterval = milliseconds(50);
// Where one of several streams is lost, no other is opened for so long.
constexpr Duration kFurtherStreamInterval = milliseconds(1000);
// How long a stream that was ended may take for it before it is cancelled.
constexpr Duration kEndingTime = milliseconds(250);

constexpr char kNames[] = "the names";
constexpr char kOwnFailure[] = "this process";

// What fails, as the log names it.
std::string stream_to(const std::string& target) {
  return "stream to " + target;
}

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

gpr_timespec deadline_at(TimePoint until, TimePoint now) {
  if (until == TimePoint::max()) {
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  }
  const auto wait = std::max(until - now, Duration::zero());
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(wait).count();
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(micros, GPR_TIMESPAN));
}

}  // namespace

Link::Link(const LinkConfig& config, Engine& engine, LinkHandler& handler)
    : config_(config),
      engine_(engine),
      handler_(handler),
      queue_(std::make_unique<grpc::CompletionQueue>()),
      engine_keeper_(grpc::CreateChannel("ipv4:127.0.0.1:1", grpc::InsecureChannelCredentials())),
      alarm_(std::make_unique<grpc::Alarm>()),
      resolver_(config.endpoints, [this] { wake(); }),
      stream_backoff_(config.backoff, config.seed),
      failure_backoff_(config.backoff, config.seed),
      seed_(config.seed) {}

Link::~Link() = default;

void Link::wake() noexcept {
  // Whoever finds it set leaves it to the turn that follows WakeTag::complete: that sees what was done before this, where both are
  // seq_cst or under one mutex. acquire: the alarm is free once complete() has said so.
  if (wake_pending_.exchange(true)) {
    return;
  }
  const std::lock_guard<std::mutex> lock(wake_mutex_);
  try {
    // Long past: "now" is rounded up to a millisecond, and waits for it on gRPC's timer thread.
    alarm_->Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), &wake_tag_);
  } catch (...) {
    wake_pending_.store(false);
  }
}

void Link::WakeTag::complete(bool /*ok*/) {
  // seq_cst, and no more than a store: the turn that follows reads what wake() is called for as seq_cst, too.
  link_.wake_pending_.store(false);
}

void Link::run() noexcept {
  bool more = true;
  while (more) {
    try {
      more = turn();
    } catch (const std::exception& failure) {
      begin_anew(failure.what());
    } catch (...) {
      begin_anew("unknown fault");
    }
  }
  bool closed = false;
  while (!closed) {
    try {
      close_all();
      closed = true;
    } catch (...) {
      wait_for_event_after_failure(clock_now() + kClosingInterval);
    }
  }
}

bool Link::turn() {
  const TimePoint now = clock_now();
  const TimePoint turn_at = handler_.turn(now);
  if (handler_.finished()) {
    return false;
  }
  const TimePoint manage_at = manage(now);
  write_batches(now);
  wait_for_event(std::min(turn_at, manage_at));
  return true;
}

void Link::begin_anew(const char* reason) noexcept {
  const TimePoint now = clock_now();
  const TimePoint again = now + failure_backoff_.next();
  give_up_streams();
  replicas_.clear();
  next_resolution_ = next_stream_ = again;
  try {
    // Short enough to need no memory.
    engine_.all_streams_lost("own failure", now);
    log_failure(kOwnFailure, std::string("the connections are given up and made anew: ") + reason);
    stream_problem_ = reason;
  } catch (...) {
    // What is left to be ended is ended by a later turn.
  }
  wait_for_event_after_failure(now + kFailureInterval);
}

void Link::give_up_streams() noexcept {
  for (const auto& stream : streams_) {
    graveyard_.add(stream->release());
  }
  streams_.clear();
  for (const auto& late : late_streams_) {
    graveyard_.add(late->close());
  }
  late_streams_.clear();
}

void Link::end_streams(TimePoint now) noexcept {
  for (const auto& stream : streams_) {
    graveyard_.add(stream->release(), now + kEndingTime);
  }
  streams_.clear();
  for (const auto& late : late_streams_) {
    graveyard_.add(late->close(), now + kEndingTime);
  }
  late_streams_.clear();
}

void Link::wait_for_event_after_failure(TimePoint until) noexcept {
  while (clock_now() < until) {
    try {
      wait_for_event(until);
    } catch (...) {
      // As what has been given up already.
    }
  }
}

// One event at a time: to ask whether there are more is a system call each time that there are none.
void Link::wait_for_event(TimePoint until) {
  void* tag = nullptr;
  bool ok = false;
  if (queue_->AsyncNext(&tag, &ok, deadline_at(until, clock_now())) == grpc::CompletionQueue::GOT_EVENT) {
    static_cast<CompletionTag*>(tag)->complete(ok);
  }
}

TimePoint Link::manage(TimePoint now) {
  TimePoint next = graveyard_.sweep(now);
  next = std::min(next, manage_addresses(now));
  next = std::min(next, manage_replicas(now));
  next = std::min(next, manage_streams(now));
  next = std::min(next, manage_late_streams(now));
  update_connection(now);
  return next;
}

TimePoint Link::manage_addresses(TimePoint now) {
  // Names are looked up while there is no stream that is pulled, and when it is lost.
  const bool wanted = pulled_stream() == nullptr;
  if (wanted && !resolver_.running() && now >= next_resolution_) {
    next_resolution_ = now + kResolveInterval;
    resolver_.start();
  }
  if (auto resolution = resolver_.take()) {
    use_resolution(std::move(*resolution));
  }
  return wanted && !resolver_.running() ? next_resolution_ : TimePoint::max();
}

void Link::use_resolution(Resolution resolution) {
  if (resolution.problem.empty()) {
    failures_.recovered(kNames);
  } else {
    log_failure(kNames, resolution.problem);
  }
  resolution_problem_ = resolution.problem;
  if (resolution.unknown) {
    return;
  }
  // A replica whose address is gone stays while a stream is on it.
  replicas_.update(
      std::move(resolution), [this](const std::string& target) { return any_stream_on(target); },
      [this](Address address) {
        return std::make_unique<Replica>(std::move(address), config_.transport, config_.backoff, ++seed_, *queue_,
                                         graveyard_);
      });
  forget_failures_of_others();
}

// Than the replicas that there are.
void Link::forget_failures_of_others() {
  std::vector<std::string> known{kNames, kOwnFailure};
  for (const auto& replica : replicas_.all()) {
    known.push_back(replica->status().address.target);
    known.push_back(stream_to(replica->status().address.target));
  }
  failures_.keep_only(known);
}

TimePoint Link::manage_replicas(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (const auto& replica : replicas_.all()) {
    next = std::min(next, replica->manage(now));
    const std::string& target = replica->status().address.target;
    if (const auto failure = replica->pop_failure()) {
      log_failure(target, *failure, stream_to(target));
    } else if (!replica->status().failing() && replica->status().state != ReplicaStatus::State::kConnecting) {
      failures_.recovered(target);
    }
  }
  return next;
}

TimePoint Link::manage_streams(TimePoint now) {
  TimePoint next = watch_streams(now);
  if (streams_.empty()) {
    return std::min(next, open_first_stream(now));
  }
  close_idle_stream(now);
  return std::min(next, open_further_streams(now));
}

TimePoint Link::watch_streams(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (std::size_t i = 0; i < streams_.size();) {
    OpenStream& stream = *streams_[i];
    const bool another = replicas_.another_serves(stream.target());
    const TimePoint pull_by = stream.watchdog().pull_deadline(another);
    const TimePoint answer_by = stream.watchdog().answer_deadline();
    if (now >= pull_by) {
      replace_stream(stream,
                     stream.target() + ": not pulled" + (another ? ", and another processor serves" : " in time"), now);
    } else if (now >= answer_by) {
      replace_stream(stream, stream.target() + ": pulled, but not answered in time", now);
    } else {
      stream.register_once();
      next = std::min({next, pull_by, answer_by});
      ++i;
    }
  }
  return next;
}

TimePoint Link::open_first_stream(TimePoint now) {
  Replica* replica = replicas_.choose();
  if (replica == nullptr) {
    return TimePoint::max();
  }
  if (now < next_stream_) {
    return next_stream_;
  }
  open_stream(*replica, now);
  return now;
}

// To the replica that is known to pull.
TimePoint Link::open_further_streams(TimePoint now) {
  const OpenStream* const works = pulled_stream();
  Replica* const replica = works != nullptr ? replicas_.find(works->target()) : nullptr;
  if (replica == nullptr || !replica->status().serves() || now < next_further_stream_) {
    return TimePoint::max();
  }
  const std::size_t wanted = engine_.streams_wanted(now);
  const TimePoint more_at = engine_.more_streams_wanted_at(now).value_or(TimePoint::max());
  while (streams_.size() < wanted) {
    open_stream(*replica, now);
  }
  return more_at;
}

void Link::close_idle_stream(TimePoint now) {
  const std::optional<std::uint64_t> number = engine_.idle_stream(now);
  const auto idle = std::find_if(streams_.begin(), streams_.end(),
                                 [&](const auto& stream) { return number && stream->number() == *number; });
  if (idle != streams_.end()) {
    graveyard_.add(remove(**idle)->release(), now + kEndingTime);
    engine_.stream_lost(*number, "not needed", now);
  }
}

const OpenStream* Link::pulled_stream() const {
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [](const auto& stream) { return stream->watchdog().ever_pulled(); });
  return found != streams_.end() ? found->get() : nullptr;
}

bool Link::any_stream_on(const std::string& target) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& stream) { return stream->target() == target; });
}

void Link::open_stream(Replica& replica, TimePoint now) {
  auto opened = std::make_unique<OpenStream>(++last_number_, replica.status().address.target, replica.channel(),
                                             config_, *queue_, *this, now);
  OpenStream& stream = *opened;
  try {
    streams_.push_back(std::move(opened));
  } catch (...) {
    graveyard_.add(opened->release());
    throw;
  }
  engine_.stream_opened(stream.number(), stream.id(), now);
  log_opened(stream);
}

void Link::log_opened(const OpenStream& stream) {
  LogEntry entry(LogKind::kStreamOpened, streams_.size() == 1 ? PROC_SEVERITY_INFO : PROC_SEVERITY_DEBUG,
                 "stream opened as " + stream.id());
  entry.fields.push_back({"client_id", stream.id()});
  handler_.log(std::move(entry));
}

std::unique_ptr<OpenStream> Link::remove(const OpenStream& stream) {
  const auto place =
      std::find_if(streams_.begin(), streams_.end(), [&](const auto& listed) { return listed.get() == &stream; });
  std::unique_ptr<OpenStream> taken = std::move(*place);
  streams_.erase(place);
  return taken;
}

void Link::lose_stream(OpenStream& stream, const std::string& reason, TimePoint now, bool useless) {
  const std::unique_ptr<OpenStream> lost = remove(stream);
  graveyard_.add(lost->release(), now + kEndingTime);
  after_stream(lost->target(), reason, now, useless);
  engine_.stream_lost(lost->number(), reason, now);
}

void Link::replace_stream(OpenStream& stream, const std::string& reason, TimePoint now) {
  const std::unique_ptr<OpenStream> replaced = remove(stream);
  const std::uint64_t number = replaced->number();
  std::unique_ptr<BidiCall> call = replaced->release();
  std::unique_ptr<LateStream> late;
  try {
    late = std::make_unique<LateStream>(std::move(call), number, now + config_.answer_timeout, engine_);
    late_streams_.reserve(late_streams_.size() + 1);
    after_stream(replaced->target(), reason, now, false);
    if (engine_.stream_replaced(number, reason, now)) {
      late_streams_.push_back(std::move(late));
    } else {
      graveyard_.add(late->close(), now + kEndingTime);
    }
  } catch (...) {
    graveyard_.add(late != nullptr ? late->close() : std::move(call));
    throw;
  }
}

TimePoint Link::manage_late_streams(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (auto late = late_streams_.begin(); late != late_streams_.end();) {
    if ((*late)->done(now)) {
      graveyard_.add((*late)->close(), now + kEndingTime);
      late = late_streams_.erase(late);
    } else {
      next = std::min(next, (*late)->until());
      ++late;
    }
  }
  return next;
}

// One of several that is lost alone says little of the processor; the last one all the more.
void Link::after_stream(const std::string& target, const std::string& reason, TimePoint now, bool useless) {
  if (streams_.empty()) {
    next_stream_ = now + stream_backoff_.next();
    next_resolution_ = now;
    stream_problem_ = reason;
    stream_target_ = target;
    if (Replica* replica = replicas_.find(target)) {
      replica->stream_failed(reason, useless, now);
    }
  }
  next_further_stream_ = now + kFurtherStreamInterval;
  log_failure(stream_to(target), reason, target);
}

void Link::on_stream_message(OpenStream& stream, std::string bytes) {
  const TimePoint now = clock_now();
  handler_.take_in(now);
  switch (engine_.receive(stream.number(), std::move(bytes), now)) {
    case Received::kMalformed:
      lose_stream(stream, stream.target() + ": " + engine_.malformation(), now);
      break;
    case Received::kPull:
      pulled(stream, now);
      break;
    case Received::kAnswers:
      stream.watchdog().answered(now);
      break;
    case Received::kNothing:
      break;
  }
}

void Link::pulled(OpenStream& stream, TimePoint now) {
  if (!stream.watchdog().ever_pulled()) {
    stream_backoff_.reset();
    failure_backoff_.reset();
    stream_problem_.clear();
    failures_.recovered(stream_to(stream.target()));
    failures_.recovered(kOwnFailure);
    if (Replica* replica = replicas_.find(stream.target())) {
      replica->pulled();
    }
  }
  stream.watchdog().pulled(now);
}

void Link::on_stream_closed(OpenStream& stream, const grpc::Status& status) {
  const bool no_such_method = status.error_code() == grpc::StatusCode::UNIMPLEMENTED;
  std::string text = to_line(status.error_message());
  if (no_such_method) {
    text = "this is no allocation processor: it does not know allocation.Processor/StreamBatches" +
           (text.empty() ? text : " (" + text + ")");
  } else if (text.empty()) {
    text = status.ok() ? "the processor ended the stream" : "the stream was lost";
  }
  lose_stream(stream, stream.target() + ": " + text, clock_now(), no_such_method);
}

void Link::write_batches(TimePoint now) {
  if (!engine_.may_send(now)) {
    return;
  }
  for (const auto& stream : streams_) {
    if (stream->can_take_batch()) {
      if (std::optional<Engine::Batch> batch = engine_.next_batch(stream->number(), now)) {
        log_batch(*batch);
        stream->write_batch(std::move(batch->message), now);
      }
    }
  }
}

void Link::log_batch(const Engine::Batch& batch) {
  if (!handler_.logs(PROC_SEVERITY_DEBUG)) {
    return;
  }
  LogEntry entry(LogKind::kBatchSent, PROC_SEVERITY_DEBUG,
                 "batch of " + std::to_string(batch.requests) + " requests sent");
  entry.batch_id = batch.id;
  entry.fields.push_back({"requests", std::to_string(batch.requests)});
  handler_.log(std::move(entry));
}

StreamsStatus Link::streams_status() const {
  StreamsStatus status;
  const OpenStream* const works = pulled_stream();
  status.pulled_target = works != nullptr ? works->target() : std::string_view();
  status.open_target = streams_.empty() ? std::string_view() : streams_.front()->target();
  status.last_target = stream_target_;
  status.problem = stream_problem_;
  status.resolution_problem = resolution_problem_;
  status.next_resolution = next_resolution_;
  return status;
}

void Link::update_connection(TimePoint now) {
  ConnectionStatus status = connection_status(replicas_.all(), streams_status(), now);
  // Who tries next, and when, changes all the time; it is news only with a new state or reason.
  if (!status_ || status.state != status_->state || status.reason != status_->reason) {
    status_ = std::move(status);
    handler_.connection_changed(*status_, now);
  }
}

void Link::log_failure(const std::string& what, const std::string& reason, const std::string& related) {
  LogEntry entry(LogKind::kConnectionFailed,
                 failures_.failed(what, reason, related) ? PROC_SEVERITY_WARNING : PROC_SEVERITY_DEBUG, reason);
  entry.fields.push_back({"target", what});
  handler_.log(std::move(entry));
}

std::string Link::closing_on() const {
  return closing_.load() ? "gRPC has not ended the calls" : "requests have not ended";
}

void Link::close_all() {
  closing_.store(true);
  // Its thread calls wake() no more.
  resolver_.abandon();
  end_streams(clock_now());
  replicas_.clear();
  library_state::ConnectionsEnd connections_end;
  while (!graveyard_.empty()) {
    if (!graveyard_.has_calls()) {
      connections_end.break_off();
    }
    wait_for_event(clock_now() + kClosingInterval);
    graveyard_.sweep(clock_now());
  }
  // Takes the wake-up for good: from here on wake() does nothing, whoever calls it.
  while (wake_pending_.exchange(true)) {
    wait_for_event(clock_now() + kClosingInterval);
  }
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
  }
  // The last who called wake() may still be inside it.
  const std::lock_guard<std::mutex> lock(wake_mutex_);
  alarm_.reset();
  engine_keeper_.reset();
  queue_.reset();
}

}  // namespace agones::plugin
