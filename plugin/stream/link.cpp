// SPDX-License-Identifier: Apache-2.0
#include "stream/link.h"

#include <algorithm>
#include <utility>

#include "wire/message.h"

namespace agones::plugin {

namespace {

constexpr char kStreamBatches[] = "/allocation.Processor/StreamBatches";

// How often names are looked up again while nothing serves, and at most.
constexpr Duration kResolveInterval = milliseconds(1000);
// While closing: how often it is looked whether gRPC has let go.
constexpr Duration kClosingInterval = milliseconds(10);

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

Link::Link(const LinkConfig& config, LinkHandler& handler)
    : config_(config),
      handler_(handler),
      queue_(std::make_unique<grpc::CompletionQueue>()),
      alarm_(std::make_unique<grpc::Alarm>()),
      resolver_(config.endpoints, [this] { wake(); }),
      watchdog_(config.pull_timeout, config.answer_timeout),
      stream_backoff_(config.backoff, config.seed),
      seed_(config.seed) {}

Link::~Link() = default;

void Link::wake() {
  if (!wake_pending_.exchange(true)) {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    // Long past: "now" is rounded up to a millisecond, and waits for it on gRPC's timer thread.
    alarm_->Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), &wake_tag_);
  }
}

void Link::WakeTag::complete(bool /*ok*/) {
  link_.wake_pending_.store(false);
}

void Link::run() {
  handler_.connection_changed(status_, clock_now());
  while (true) {
    const TimePoint now = clock_now();
    const TimePoint turn_at = handler_.turn(now);
    if (handler_.finished()) {
      break;
    }
    const TimePoint manage_at = manage(now);
    write_batches(now);
    wait_for_event(std::min(turn_at, manage_at));
  }
  close_all();
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
  graveyard_.sweep();
  TimePoint next = manage_addresses(now);
  next = std::min(next, manage_replicas(now));
  next = std::min(next, manage_stream(now));
  next = std::min(next, manage_late_streams(now));
  update_connection(now);
  return next;
}

TimePoint Link::manage_addresses(TimePoint now) {
  // Names are looked up while there is no stream that is pulled, and when it is lost.
  const bool wanted = stream_ == nullptr || !watchdog_.ever_pulled();
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
  if (resolution.problem != resolution_problem_ && !resolution.problem.empty()) {
    log_failure(resolution.problem);
  }
  resolution_problem_ = resolution.problem;
  // A replica whose address is gone stays while the stream is on it, and if some name failed to resolve.
  const auto gone = [&](const std::unique_ptr<Replica>& replica) {
    const auto& listed = resolution.addresses;
    return std::find(listed.begin(), listed.end(), replica->address()) == listed.end() && resolution.problem.empty() &&
           (stream_ == nullptr || replica->address().target != stream_target_);
  };
  replicas_.erase(std::remove_if(replicas_.begin(), replicas_.end(), gone), replicas_.end());
  for (Address& address : resolution.addresses) {
    if (find_replica(address.target) == nullptr) {
      replicas_.push_back(std::make_unique<Replica>(std::move(address), config_.transport, config_.backoff, ++seed_,
                                                    *queue_, graveyard_));
    }
  }
}

TimePoint Link::manage_replicas(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (const auto& replica : replicas_) {
    next = std::min(next, replica->manage(now));
    if (const auto failure = replica->take_failure()) {
      log_failure(*failure);
    }
  }
  return next;
}

TimePoint Link::manage_stream(TimePoint now) {
  if (stream_ != nullptr) {
    const bool another = std::any_of(replicas_.begin(), replicas_.end(), [this](const auto& replica) {
      return replica->state() == Replica::State::kServing && replica->address().target != stream_target_;
    });
    const TimePoint pull_by = watchdog_.pull_deadline(another);
    const TimePoint answer_by = watchdog_.answer_deadline();
    if (now >= pull_by) {
      replace_stream(stream_target_ + ": not pulled" + (another ? ", and another processor serves" : " in time"), now);
    } else if (now >= answer_by) {
      replace_stream(stream_target_ + ": pulled, but not answered in time", now);
    } else {
      if (!registered_ && stream_->can_write()) {
        stream_->write(encode_registration(stream_id()));
        registered_ = true;
      }
      return std::min(pull_by, answer_by);
    }
  }
  Replica* replica = choose_replica();
  if (replica == nullptr) {
    return TimePoint::max();
  }
  if (now < next_stream_) {
    return next_stream_;
  }
  open_stream(*replica, now);
  return now;
}

Replica* Link::choose_replica() {
  Replica* chosen = nullptr;
  for (const auto& replica : replicas_) {
    if (replica->state() == Replica::State::kServing &&
        (chosen == nullptr || replica->last_stream_failure < chosen->last_stream_failure)) {
      chosen = replica.get();
    }
  }
  return chosen;
}

Replica* Link::find_replica(const std::string& target) {
  for (const auto& replica : replicas_) {
    if (replica->address().target == target) {
      return replica.get();
    }
  }
  return nullptr;
}

std::string Link::stream_id() const {
  return config_.client_id + "." + std::to_string(epoch_);
}

void Link::open_stream(Replica& replica, TimePoint now) {
  ++epoch_;
  registered_ = false;
  stream_target_ = replica.address().target;
  watchdog_.opened(now);
  stream_ = std::make_unique<BidiCall>(replica.channel(), kStreamBatches, *queue_, *this);
  handler_.stream_opened(stream_id());
}

void Link::lose_stream(const std::string& reason, TimePoint now) {
  graveyard_.add(std::move(stream_));
  after_stream(reason, now);
  handler_.stream_lost(reason, now);
}

void Link::replace_stream(const std::string& reason, TimePoint now) {
  std::unique_ptr<BidiCall> call = std::move(stream_);
  after_stream(reason, now);
  if (handler_.stream_replaced(epoch_, reason, now)) {
    late_streams_.push_back(
        std::make_unique<LateStream>(std::move(call), epoch_, now + config_.answer_timeout, handler_));
  } else {
    graveyard_.add(std::move(call));
  }
}

TimePoint Link::manage_late_streams(TimePoint now) {
  TimePoint next = TimePoint::max();
  for (auto late = late_streams_.begin(); late != late_streams_.end();) {
    if ((*late)->done(now)) {
      graveyard_.add((*late)->close());
      late = late_streams_.erase(late);
    } else {
      next = std::min(next, (*late)->until());
      ++late;
    }
  }
  return next;
}

void Link::after_stream(const std::string& reason, TimePoint now) {
  if (Replica* replica = find_replica(stream_target_)) {
    replica->last_stream_failure = now;
  }
  next_stream_ = now + stream_backoff_.next();
  next_resolution_ = now;
  log_failure(reason);
}

void Link::on_message(std::string bytes) {
  const TimePoint now = clock_now();
  switch (handler_.message(std::move(bytes), now)) {
    case Received::kMalformed:
      lose_stream(stream_target_ + ": malformed message", now);
      break;
    case Received::kPull:
      watchdog_.pulled(now);
      stream_backoff_.reset();
      break;
    case Received::kAnswers:
      watchdog_.answered(now);
      break;
    default:
      break;
  }
}

void Link::on_closed(const grpc::Status& status) {
  std::string text = status.error_message();
  if (text.empty()) {
    text = status.ok() ? "the processor ended the stream" : "the stream was lost";
  }
  lose_stream(stream_target_ + ": " + text, clock_now());
}

void Link::write_batches(TimePoint now) {
  while (stream_ != nullptr && registered_ && stream_->can_write()) {
    std::optional<std::string> message = handler_.next_message(now);
    if (!message) {
      return;
    }
    stream_->write(std::move(*message));
    watchdog_.sent(now);
  }
}

void Link::update_connection(TimePoint now) {
  ConnectionStatus status;
  const auto count = [this](Replica::State state) {
    return std::count_if(replicas_.begin(), replicas_.end(),
                         [state](const auto& replica) { return replica->state() == state; });
  };
  if (stream_ != nullptr && watchdog_.ever_pulled()) {
    status.state = PROC_CONNECTION_SERVING;
    status.address = stream_target_;
  } else if (stream_ != nullptr || count(Replica::State::kServing) > 0) {
    status.state = PROC_CONNECTION_CONNECTING;
    status.reason = "waiting for the first pull";
    status.address = stream_target_;
  } else if (count(Replica::State::kStandby) > 0) {
    status.state = PROC_CONNECTION_STANDBY;
    status.reason = "no processor is serving";
  } else if (count(Replica::State::kConnecting) > 0 || (replicas_.empty() && resolution_problem_.empty())) {
    // An attempt after a failure is part of backing off: the state stays what it was.
    status = status_.state == PROC_CONNECTION_BACKING_OFF ? status_ : status;
  } else {
    status.state = PROC_CONNECTION_BACKING_OFF;
    status.reason = replicas_.empty() ? resolution_problem_ : replicas_.front()->reason();
    TimePoint retry = replicas_.empty() ? next_resolution_ : TimePoint::max();
    for (const auto& replica : replicas_) {
      if (replica->retry_at() < retry) {
        retry = replica->retry_at();
        status.reason = replica->reason();
        status.address = replica->address().target;
      }
    }
    const auto wait = std::chrono::ceil<milliseconds>(std::max(retry - now, Duration::zero()));
    status.retry_after_ms = static_cast<std::uint32_t>(wait.count());
  }
  // The time left shrinks by itself; it is news only with a new state or reason.
  if (status.state != status_.state || status.reason != status_.reason) {
    status_ = status;
    handler_.connection_changed(status_, now);
  }
}

void Link::log_failure(const std::string& reason) {
  const bool repeated = reason == last_failure_;
  last_failure_ = reason;
  handler_.log(repeated ? PROC_SEVERITY_DEBUG : PROC_SEVERITY_WARNING, reason);
}

void Link::close_all() {
  graveyard_.add(std::move(stream_));
  for (const auto& late : late_streams_) {
    graveyard_.add(late->close());
  }
  replicas_.clear();
  // The resolver's thread may still call wake(): it ends before the queue does.
  while (resolver_.running() || !graveyard_.empty()) {
    wait_for_event(clock_now() + kClosingInterval);
    resolver_.take();
    graveyard_.sweep();
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
  queue_.reset();
}

}  // namespace agones::plugin
