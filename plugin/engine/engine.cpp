// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"
#include "wire/response.h"

namespace agones::plugin {

namespace {

constexpr std::int32_t kGrpcInternal = 13;
// A block lives until all of it was polled, so a large one would keep its memory for long.
constexpr std::size_t kBlockSize = 512;
// A batch has one answer for each of its requests; so many more may be to ids that this client never gave out.
constexpr std::size_t kStrayAnswers = 1024;
constexpr std::size_t kLongestId = 64;
// A further stream that was not needed for so long is closed. Opening it again takes until the next pull.
constexpr std::chrono::seconds kIdleStream{5};
// So many more than are in use may be opened at a time, or as many as are.
constexpr std::size_t kFewStreams = 15;

// The link's thread may have looked at the clock before the request was accepted.
std::uint64_t microseconds_between(TimePoint from, TimePoint to) {
  return to > from
             ? static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count())
             : 0;
}

constexpr std::string_view kNoGameServer = "the processor's answer names no game server";
constexpr std::string_view kMissing = "the processor's answer to the batch lacks this request";

}  // namespace

class Engine::PublishOnExit {
 public:
  PublishOnExit(Engine& engine, std::unique_ptr<CompletionBlock> block) : engine_(engine), block_(std::move(block)) {}
  ~PublishOnExit() { engine_.publish(std::move(block_)); }
  PublishOnExit(const PublishOnExit&) = delete;
  PublishOnExit& operator=(const PublishOnExit&) = delete;

  CompletionBlock& block() { return *block_; }

 private:
  Engine& engine_;
  std::unique_ptr<CompletionBlock> block_;
};

Engine::Engine(const Config& config, TimePoint start, Counters& counters, Metrics& metrics, EngineSink& sink)
    : config_(config),
      counters_(counters),
      metrics_(metrics),
      sink_(sink),
      deadlines_(start),
      pacer_(config.batches_per_pull),
      streams_(config.max_unanswered_batches, pacer_),
      window_({config.max_batch_size, config.fixed_batches, config.max_streams, config.max_message_bytes / 2}) {}

void Engine::submit(RequestPtr&& request) {
  Request& added = *request;
  table_.insert(std::move(request));
  ++received_;
  highest_id_ = std::max(highest_id_, added.id);
  added.state = Request::State::kQueued;
  hot_.push_back(added);
  deadlines_.add(added);
  counters_.unsent.set(hot_.size());
}

void Engine::cancel(std::uint64_t id, TimePoint now) {
  if (Request* request = table_.find(id)) {
    auto block = std::make_unique<CompletionBlock>();
    block->reserve(1);
    end(*request, PROC_OUTCOME_CANCELLED, now, *block);
    publish(std::move(block));
  }
}

void Engine::stream_opened(std::uint64_t stream, std::string client_id, TimePoint now) {
  end_due(now);
  streams_.open(stream, std::move(client_id), now);
  unreachable_ = false;
  unreachable_reason_.clear();
  counters_.streams.add();
  update_gauges();
}

void Engine::stream_lost(std::uint64_t number, std::string_view reason, TimePoint now) {
  if (EngineStream* const stream = streams_.find(number)) {
    leave(number, *stream, EngineStream::State::kLost, reason);
  }
  end_due(now);
}

void Engine::all_streams_lost(std::string_view reason, TimePoint now) {
  streams_.each(
      [&](std::uint64_t number, EngineStream& stream) { leave(number, stream, EngineStream::State::kLost, reason); });
  end_due(now);
}

bool Engine::stream_replaced(std::uint64_t number, std::string_view reason, TimePoint now) {
  EngineStream* const stream = streams_.find(number);
  const bool awaited = stream != nullptr && stream->sent.unanswered() > 0;
  if (stream != nullptr) {
    leave(number, *stream, awaited ? EngineStream::State::kReplaced : EngineStream::State::kLost, reason);
  }
  end_due(now);
  return awaited;
}

void Engine::leave(std::uint64_t number, EngineStream& stream, EngineStream::State state, std::string_view reason) {
  if (stream.is_open()) {
    stream.lost_reason = reason;
    stream.all_ended = false;
    window_.stream_lost(number);
    each_in_flight(stream, [&](Request& request) {
      stream.sent.gave_up(request.batch_id, request.id);
      if (config_.resend && ending_ < Ending::kReturnUnsent) {
        // In front of the hot batch, in their old order: they have waited longest.
        counters_.resent.add();
        in_flight_.erase(request);
        request.state = Request::State::kQueued;
        hot_.push_front(request);
      }
    });
  }
  stream.state = state;
  if (streams_.open_count() == 0) {
    // What was learned of the processor stays: the next leader is like this one.
    pacer_.reset();
  }
  update_gauges();
}

// Those that were sent on it, the last one first.
template <typename Each>
void Engine::each_in_flight(const EngineStream& stream, const Each& each) {
  stream.sent.each_unanswered([&](std::uint64_t batch, std::uint64_t id) {
    Request* const request = table_.find(id);
    if (request != nullptr && request->state == Request::State::kInFlight && request->batch_id == batch) {
      each(*request);
    }
  });
}

void Engine::late_stream_closed(std::uint64_t number) noexcept {
  if (EngineStream* const stream = streams_.find(number)) {
    stream->state = EngineStream::State::kLost;
    update_gauges();
  }
}

// What is in flight on streams that are open no more, and those of them that nothing is to come on.
void Engine::end_of_streams(TimePoint now) {
  streams_.each_then_forget_lost([&](EngineStream& stream) {
    if (!stream.all_ended) {
      end_in_flight_of(stream, now);
    }
    stream.all_ended = true;
  });
}

void Engine::end_in_flight_of(const EngineStream& stream, TimePoint now) {
  std::vector<Request*> requests;
  each_in_flight(stream, [&](Request& request) { requests.push_back(&request); });
  while (!requests.empty()) {
    auto block = std::make_unique<CompletionBlock>(stream.lost_reason);
    block->reserve(std::min(requests.size(), kBlockSize));
    while (!requests.empty() && block->items.size() < kBlockSize) {
      end(*requests.back(), PROC_OUTCOME_DISCONNECTED, now, *block, block->storage());
      requests.pop_back();
    }
    publish(std::move(block));
  }
}

void Engine::set_reachable(bool reachable, std::string_view reason, TimePoint now) {
  unreachable_reason_ = reason;
  unreachable_ = !reachable;
  end_due(now);
}

void Engine::pulled(EngineStream& stream, TimePoint now) {
  counters_.pulls.add();
  metrics_.queue_depth.record(hot_.size());
  stream.pulls.pulled(now);
  stream.pulled_for_some = !hot_.empty();
  pacer_.pulled(now, hot_.size(), stream.pulls.interval());
}

Window::Now Engine::window_now(TimePoint now, std::size_t waiting) const {
  return {now, pacer_.gap(), !pacer_.covers(), waiting, streams_.pulled(now)};
}

std::optional<TimePoint> Engine::next_send(TimePoint now) const {
  const std::optional<TimePoint> at = pacer_.next();
  if (!at || held_back_ || !streams_.any_may_take_batch(now)) {
    return std::nullopt;
  }
  return std::max(*at, window_.opens_at(window_now(now, hot_.size())));
}

std::size_t Engine::streams_wanted(TimePoint now) const {
  return hot_.empty() || held_back_ ? 1 : std::min(wanted_for(hot_.size(), now), streams_.busy() + hot_.size());
}

// A moment in which everything takes long is no reason to open them all.
std::size_t Engine::wanted_for(std::size_t waiting, TimePoint now) const {
  const std::size_t pulled = streams_.pulled(now);
  return std::min(window_.streams_wanted(window_now(now, waiting)), pulled + std::max(pulled, kFewStreams));
}

std::optional<TimePoint> Engine::more_streams_wanted_at(TimePoint now) const {
  if (hot_.empty() || held_back_) {
    return std::nullopt;
  }
  return window_.more_wanted_at(window_now(now, hot_.size()));
}

bool Engine::would_open_stream(TimePoint now) const {
  const std::size_t open = streams_.open_count();
  return hot_.empty() && !held_back_ && open != 0 && std::min(wanted_for(1, now), streams_.busy() + 1) > open;
}

std::optional<std::uint64_t> Engine::idle_stream(TimePoint now) const {
  return streams_.idle(kIdleStream, now);
}

// Whether nothing is to be sent until the host polls.
bool Engine::hold_back() {
  const bool full = sink_.unpolled_bytes() >= config_.max_unpolled_bytes;
  if (full && !held_back_) {
    LogEntry entry(LogKind::kHeldBack, PROC_SEVERITY_WARNING,
                   "nothing is sent until the host polls: results of more than max_unpolled_bytes wait");
    entry.fields.push_back({"unpolled_bytes", std::to_string(sink_.unpolled_bytes())});
    sink_.log(std::move(entry));
  }
  held_back_ = full;
  return full;
}

bool Engine::may_send(TimePoint now) const {
  return pacer_.allowed(now, hot_.size()) != 0;
}

std::optional<Engine::Batch> Engine::next_batch(std::uint64_t number, TimePoint now) {
  EngineStream* const stream = streams_.find_open(number);
  if (stream == nullptr || !streams_.may_take_batch(*stream, now)) {
    return std::nullopt;
  }
  // What has timed out must not be sent.
  end_due(now);
  const std::size_t allowed = pacer_.allowed(now, hot_.size());
  if (allowed == 0 || hold_back()) {
    return std::nullopt;
  }
  const std::size_t limit = std::min(allowed, window_.batch_size(window_now(now, allowed)));
  if (limit == 0) {
    return std::nullopt;
  }
  return send(number, *stream, choose(limit, stream->client_id.size()), now);
}

Engine::Choice Engine::choose(std::size_t limit, std::size_t client_id_size) const {
  Choice choice;
  choice.ids.reserve(limit);
  const std::size_t fixed = BatchEncoder::kMessageOverhead + client_id_size;
  for (const Request* request = hot_.front(); choice.ids.size() < limit; request = request->next) {
    const std::size_t size = BatchEncoder::wrapped_size(request->id, request->encoded_size);
    if (!choice.ids.empty() && fixed + choice.encoded_size + size > config_.max_batch_bytes) {
      break;
    }
    choice.encoded_size += size;
    choice.ids.push_back(request->id);
  }
  return choice;
}

Engine::Batch Engine::send(std::uint64_t number, EngineStream& stream, Choice choice, TimePoint now) {
  Batch batch;
  batch.id = last_batch_id_ + 1;
  batch.requests = choice.ids.size();
  BatchEncoder encoder(stream.client_id, batch.id, choice.encoded_size);
  window_.reserve();
  stream.sent.sent(batch.id, std::move(choice.ids), now);
  // From here on nothing fails: all the memory is there.
  last_batch_id_ = batch.id;
  largest_batch_ = std::max(largest_batch_, batch.requests);
  for (std::size_t i = 0; i < batch.requests; ++i) {
    Request& request = *hot_.front();
    encoder.add(request.id, request.encoded());
    hot_.erase(request);
    request.state = Request::State::kInFlight;
    request.ever_sent = true;
    request.batch_id = batch.id;
    request.stream = number;
    in_flight_.push_back(request);
    metrics_.queue_time.record(microseconds_between(request.accepted, now));
  }
  metrics_.batch_size.record(batch.requests);
  batch.message = encoder.take();
  stream.last_used = now;
  window_.sent(number, batch.id, batch.requests, now);
  pacer_.sent(now, batch.requests, window_.pause({now, pacer_.gap(), true, hot_.size(), 0}, batch.requests));
  counters_.batches_sent.add();
  update_gauges();
  return batch;
}

std::unique_ptr<CompletionBlock> Engine::decode(std::string bytes) {
  auto block = std::make_unique<CompletionBlock>(std::move(bytes));
  if (const char* problem = decode_message(block->storage(), largest_batch_ + kStrayAnswers, incoming_)) {
    malformation_ = problem;
    counters_.malformed_messages.add();
    return nullptr;
  }
  return block;
}

Received Engine::receive(std::uint64_t number, std::string bytes, TimePoint now) {
  EngineStream* const stream = streams_.find_open(number);
  if (stream == nullptr) {
    return Received::kNothing;
  }
  std::unique_ptr<CompletionBlock> block = decode(std::move(bytes));
  if (block == nullptr) {
    return Received::kMalformed;
  }
  switch (incoming_.kind) {
    case IncomingMessage::Kind::kPull:
      pulled(*stream, now);
      return Received::kPull;
    case IncomingMessage::Kind::kBatchResponse:
      return answered(*stream, std::move(block), now) ? Received::kAnswers : Received::kNothing;
    case IncomingMessage::Kind::kNone:
      break;
  }
  return Received::kNothing;
}

bool Engine::receive_late(std::uint64_t number, std::string bytes, TimePoint now) {
  EngineStream* const found = streams_.find(number);
  if (found == nullptr || found->state != EngineStream::State::kReplaced) {
    return false;
  }
  std::unique_ptr<CompletionBlock> block = decode(std::move(bytes));
  if (block == nullptr) {
    return false;
  }
  EngineStream& stream = *found;
  // Its pulls are for nothing that would be sent.
  if (incoming_.kind == IncomingMessage::Kind::kBatchResponse) {
    block->reserve(incoming_.answers.size());
    if (stream.sent.unanswered_requests(incoming_.batch_id) != nullptr) {
      batch_answered(stream, incoming_.batch_id, now);
    }
    {
      PublishOnExit publish_on_exit(*this, std::move(block));
      for (const Answer& answer : incoming_.answers) {
        answer_nobody(answer, stream, now, publish_on_exit.block());
      }
    }
    counters_.late_answers_forgotten.add(stream.sent.answered(incoming_.batch_id));
    update_gauges();
  }
  return stream.sent.late() > 0 && stream.sent.unanswered() > 0;
}

// Whether the batch had not been answered before.
bool Engine::answered(EngineStream& stream, std::unique_ptr<CompletionBlock> block, TimePoint now) {
  const std::uint64_t batch = incoming_.batch_id;
  block->reserve(incoming_.answers.size());
  const std::vector<std::uint64_t>* asked = stream.sent.unanswered_requests(batch);
  const bool awaited = asked != nullptr;
  std::size_t unanswered = awaited ? asked->size() : 0;
  if (awaited) {
    batch_answered(stream, batch, now);
    window_.answered(batch, block->storage().size(), now);
  }
  {
    PublishOnExit publish_on_exit(*this, std::move(block));
    for (const Answer& answer : incoming_.answers) {
      unanswered -= answer_one(answer, stream, now, publish_on_exit.block()) && awaited ? 1 : 0;
    }
  }
  if (unanswered > 0) {
    end_unanswered_of(stream, batch, now);
  }
  counters_.late_answers_forgotten.add(stream.sent.answered(batch));
  update_gauges();
  return awaited;
}

void Engine::batch_answered(const EngineStream& stream, std::uint64_t batch, TimePoint now) {
  counters_.batches_answered.add();
  metrics_.batch_time.record(microseconds_between(stream.sent.sent_at(batch), now));
}

// The rest of a batch that was answered.
void Engine::end_unanswered_of(const EngineStream& stream, std::uint64_t batch, TimePoint now) {
  const std::vector<std::uint64_t>* asked = stream.sent.unanswered_requests(batch);
  if (asked == nullptr) {
    return;
  }
  const auto is_open = [&](const Request* request) {
    return request != nullptr && request->state == Request::State::kInFlight && request->batch_id == batch;
  };
  std::vector<Request*> open;
  for (const std::uint64_t id : *asked) {
    if (Request* request = table_.find(id); is_open(request)) {
      open.push_back(request);
    }
  }
  if (open.empty()) {
    return;
  }
  auto block = std::make_unique<CompletionBlock>();
  block->reserve(open.size());
  for (Request* request : open) {
    end(*request, PROC_OUTCOME_DISCONNECTED, now, *block, kMissing);
  }
  LogEntry entry(LogKind::kAnswerIncomplete, PROC_SEVERITY_WARNING,
                 "the answer to a batch lacks " + std::to_string(open.size()) + " of its requests");
  entry.batch_id = batch;
  entry.fields.push_back({"missing", std::to_string(open.size())});
  sink_.log(std::move(entry));
  publish(std::move(block));
}

bool Engine::answer_one(const Answer& answer, EngineStream& stream, TimePoint now, CompletionBlock& block) {
  Request* request = table_.find(answer.request_id);
  if (request == nullptr || request->state != Request::State::kInFlight) {
    answer_nobody(answer, stream, now, block);
    return false;
  }
  const bool of_this_batch = request->batch_id == incoming_.batch_id;
  if (answer.kind == Answer::Kind::kResponse && has_game_server(answer.payload)) {
    end(*request, PROC_OUTCOME_ALLOCATED, now, block, answer.payload);
    return of_this_batch;
  }
  const bool is_error = answer.kind == Answer::Kind::kError;
  end(*request, PROC_OUTCOME_REJECTED, now, block, is_error ? answer.payload : kNoGameServer);
  block.items.back().code = is_error ? answer.code : kGrpcInternal;
  metrics_.reject(block.items.back().code);
  return of_this_batch;
}

void Engine::answer_nobody(const Answer& answer, EngineStream& stream, TimePoint now, CompletionBlock& block) {
  const bool has_server = answer.kind == Answer::Kind::kResponse && has_game_server(answer.payload);
  const bool given_out = answer.request_id != 0 && answer.request_id <= highest_id_;
  const std::optional<std::uint64_t> batch = streams_.answer_late(stream, answer.request_id);
  if (!batch && given_out) {
    // Answered before: the host has that game server already.
    counters_.duplicate_answers.add();
    LogEntry entry(LogKind::kSecondAnswer, PROC_SEVERITY_WARNING, "a second answer to a request was dropped");
    entry.request_id = answer.request_id;
    sink_.log(std::move(entry));
    return;
  }
  Completion orphan;
  if (batch) {
    orphan.request_id = answer.request_id;
    orphan.batch_id = *batch;
  } else {
    counters_.unknown_answers.add();
    const std::string id(cut_utf8(answer.request_id_text, kLongestId));
    LogEntry entry(LogKind::kUnknownAnswer, PROC_SEVERITY_WARNING,
                   "the processor answered a request id that was never given out: '" + id + "'");
    entry.fields.push_back({"id", id});
    sink_.log(std::move(entry));
    // Without end, if the processor wills it so.
    if (has_server && sink_.unpolled_bytes() >= config_.max_unpolled_bytes) {
      counters_.orphans_dropped.add();
      return;
    }
  }
  if (has_server) {
    orphan.ended = now;
    orphan.payload = answer.payload;
    block.items.push_back(std::move(orphan));
    counters_.orphans.add();
  }
}

void Engine::end_due(TimePoint now) {
  const auto all = [](const Request&) { return true; };
  expire(now);
  if (ending_ >= Ending::kReturnUnsent) {
    end_those(hot_, all, PROC_OUTCOME_SHUTDOWN, {}, now);
  } else if (ending_ == Ending::kHandOver) {
    hand_over_all(now);
  } else if (config_.fail_fast && unreachable_) {
    end_those(hot_, all, PROC_OUTCOME_DISCONNECTED, unreachable_reason_, now);
  }
  end_of_streams(now);
  if (ending_ == Ending::kGiveUp) {
    end_those(in_flight_, all, PROC_OUTCOME_SHUTDOWN, {}, now);
  }
}

std::string_view Engine::why_unsent(TimePoint now) const {
  if (streams_.open_count() == 0) {
    return sink_.why_no_stream();
  }
  if (held_back_) {
    return "nothing is sent until the host polls: results of more than max_unpolled_bytes wait";
  }
  return streams_.pulled(now) == 0 ? "waiting for a pull of the processor"
                                   : "the processor is busy with requests that were sent before";
}

void Engine::expire(TimePoint now) {
  Request* due = deadlines_.expire(now);
  try {
    while (due != nullptr) {
      std::size_t count = 0;
      bool any_unsent = false;
      for (const Request* request = due; request != nullptr && count < kBlockSize; request = request->wheel_next) {
        ++count;
        any_unsent = any_unsent || !request->ever_sent;
      }
      // The text is the block's, not each request's.
      auto block = std::make_unique<CompletionBlock>(any_unsent ? std::string(why_unsent(now)) : std::string());
      block->reserve(count);
      for (; count > 0; --count) {
        Request& request = *due;
        due = due->wheel_next;
        end(request, PROC_OUTCOME_TIMEOUT, now, *block, request.ever_sent ? std::string_view() : block->storage());
      }
      publish(std::move(block));
    }
  } catch (...) {
    while (due != nullptr) {
      Request& request = *due;
      due = due->wheel_next;
      deadlines_.add(request);
    }
    throw;
  }
}

void Engine::return_unsent(TimePoint now) {
  enter(Ending::kReturnUnsent, now);
}

void Engine::hand_over_unsent(TimePoint now) {
  enter(Ending::kHandOver, now);
}

void Engine::give_up_in_flight(TimePoint now) {
  enter(Ending::kGiveUp, now);
}

void Engine::enter(Ending ending, TimePoint now) {
  ending_ = std::max(ending_, ending);
  end_due(now);
}

template <typename Which>
void Engine::end_those(RequestList& list, const Which& which, proc_outcome outcome, std::string_view text,
                       TimePoint now, QueuedEvent::Kind kind) {
  Request* request = list.front();
  while (true) {
    while (request != nullptr && !which(*request)) {
      request = request->next;
    }
    if (request == nullptr) {
      return;
    }
    auto block = std::make_unique<CompletionBlock>(std::string(text), kind);
    block->reserve(std::min(list.size(), kBlockSize));
    while (request != nullptr && block->items.size() < kBlockSize) {
      Request* const following = request->next;
      if (which(*request)) {
        end(*request, outcome, now, *block, block->storage());
      }
      request = following;
    }
    publish(std::move(block));
  }
}

// What was sent once and waits to be sent again (resend) stays: nobody else may say that it was not sent.
void Engine::hand_over_all(TimePoint now) {
  end_those(
      hot_, [](const Request& request) { return !request.ever_sent; }, PROC_OUTCOME_SHUTDOWN, {}, now,
      QueuedEvent::Kind::kHandedOver);
}

void Engine::end(Request& request, proc_outcome outcome, TimePoint now, CompletionBlock& block, std::string_view text) {
  Completion completion;
  completion.outcome = outcome;
  completion.request_id = request.id;
  completion.batch_id = request.batch_id;
  completion.ended = now;
  completion.payload = text;
  if (request.state == Request::State::kQueued) {
    // It may lie here for the second time (resend).
    completion.delivery = request.ever_sent ? PROC_DELIVERY_UNKNOWN : PROC_DELIVERY_NOT_SENT;
    hot_.erase(request);
    pacer_.left(hot_.size());
  } else {
    const bool done = outcome == PROC_OUTCOME_ALLOCATED || outcome == PROC_OUTCOME_REJECTED;
    completion.delivery = done ? PROC_DELIVERY_DONE : PROC_DELIVERY_UNKNOWN;
    if (!done) {
      if (EngineStream* const stream = streams_.find(request.stream)) {
        stream->sent.gave_up(request.batch_id, request.id);
      }
    }
    in_flight_.erase(request);
  }
  deadlines_.remove(request);
  request.state = Request::State::kEnded;
  const proc_delivery delivery = completion.delivery;
  completion.request = table_.take(request.id);
  block.items.push_back(std::move(completion));
  if (block.kind == QueuedEvent::Kind::kHandedOver) {
    counters_.handed_over.add();
  } else {
    count_outcome(outcome);
    if (delivery == PROC_DELIVERY_UNKNOWN) {
      counters_.unknown.add();
    }
    metrics_.answer_time.record(microseconds_between(request.accepted, now));
  }
}

void Engine::publish(std::unique_ptr<CompletionBlock> block) noexcept {
  if (!block->items.empty()) {
    // First, so that a host that has polled a result finds it counted.
    update_gauges();
    block->compact();
    sink_.completed(std::move(block));
  }
}

void Engine::count_outcome(proc_outcome outcome) {
  switch (static_cast<proc_outcome_values>(outcome)) {
    case PROC_OUTCOME_ALLOCATED:
      counters_.allocated.add();
      break;
    case PROC_OUTCOME_REJECTED:
      counters_.rejected.add();
      break;
    case PROC_OUTCOME_TIMEOUT:
      counters_.timed_out.add();
      break;
    case PROC_OUTCOME_CANCELLED:
      counters_.cancelled.add();
      break;
    case PROC_OUTCOME_DISCONNECTED:
      counters_.disconnected.add();
      break;
    case PROC_OUTCOME_SHUTDOWN:
      counters_.shut_down.add();
      break;
  }
}

void Engine::update_gauges() noexcept {
  counters_.unsent.set(hot_.size());
  counters_.in_flight.set(in_flight_.size());
  const std::size_t open = streams_.open_count();
  counters_.late_answers.set(streams_.late());
  counters_.open_streams.set(open);
  counters_.window.set(open == 0 || config_.fixed_batches ? 0 : window_.size());
}

}  // namespace agones::plugin
