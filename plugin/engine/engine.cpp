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

// The link's thread may have looked at the clock before the request was accepted.
std::uint64_t microseconds_between(TimePoint from, TimePoint to) {
  return to > from
             ? static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count())
             : 0;
}

constexpr std::string_view kNoGameServer = "the processor's answer names no game server";
constexpr std::string_view kMissing = "the processor's answer to the batch lacks this request";

}  // namespace

class Engine::Publication {
 public:
  Publication(Engine& engine, std::unique_ptr<CompletionBlock> block) : engine_(engine), block_(std::move(block)) {}
  ~Publication() { engine_.publish(std::move(block_)); }
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

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
      pacer_(config.batches_per_pull) {}

void Engine::submit(RequestPtr&& request) {
  Request& added = *request;
  table_.insert(std::move(request));
  ++received_;
  highest_id_ = std::max(highest_id_, added.id);
  added.state = Request::State::kQueued;
  hot_.push_back(added);
  deadlines_.add(added);
  update_gauges();
}

void Engine::cancel(std::uint64_t id, TimePoint now) {
  if (Request* request = table_.find(id)) {
    auto block = std::make_unique<CompletionBlock>();
    block->reserve(1);
    end(*request, PROC_OUTCOME_CANCELLED, now, *block);
    publish(std::move(block));
  }
}

void Engine::stream_opened(std::string client_id, TimePoint now) {
  end_due(now);  // what is still in flight was so on the stream before
  client_id_ = std::move(client_id);
  stream_open_ = true;
  pacer_.reset();
  unreachable_ = false;
  unreachable_reason_.clear();
  counters_.streams.add();
}

void Engine::stream_lost(std::string_view reason, TimePoint now) {
  lost_reason_ = reason;
  stream_open_ = false;
  pacer_.reset();
  sent_.clear();
  if (config_.resend && !return_unsent_) {
    // In front of the hot batch, in their old order: they have waited longest.
    counters_.resent.add(in_flight_.size());
    while (Request* request = in_flight_.back()) {
      in_flight_.erase(*request);
      request->state = Request::State::kQueued;
      hot_.push_front(*request);
    }
  }
  update_gauges();
  end_due(now);
}

bool Engine::stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) {
  StreamLedger& replaced = late_streams_[stream];
  for (const Request* request = in_flight_.front(); request != nullptr; request = request->next) {
    sent_.gave_up(request->batch_id, request->id);
  }
  const bool awaited = sent_.late() > 0 && sent_.unanswered() > 0;
  if (awaited) {
    std::swap(replaced, sent_);
  } else {
    late_streams_.erase(stream);
  }
  stream_lost(reason, now);
  return awaited;
}

void Engine::set_reachable(bool reachable, std::string_view reason, TimePoint now) {
  unreachable_reason_ = reason;
  unreachable_ = !reachable;
  end_due(now);
}

void Engine::pulled(TimePoint now) {
  counters_.pulls.add();
  metrics_.queue_depth.record(hot_.size());
  pacer_.pulled(now, hot_.size());
}

bool Engine::window_open() const {
  return stream_open_ && sent_.unanswered() < config_.max_unanswered_batches;
}

std::optional<TimePoint> Engine::next_send(TimePoint now) const {
  return window_open() && !held_back_ ? pacer_.next(now) : std::nullopt;
}

std::optional<Engine::Batch> Engine::next_batch(TimePoint now) {
  if (!stream_open_) {
    return std::nullopt;
  }
  // What has timed out must not be sent.
  end_due(now);
  const std::size_t allowed = pacer_.allowed(now, hot_.size());
  if (allowed == 0 || !window_open()) {
    return std::nullopt;
  }
  const bool full = sink_.unpolled_bytes() >= config_.max_unpolled_bytes;
  if (full && !held_back_) {
    LogEntry entry(LogKind::kHeldBack, PROC_SEVERITY_WARNING,
                   "nothing is sent until the host polls: results of more than max_unpolled_bytes wait");
    entry.fields.push_back({"unpolled_bytes", std::to_string(sink_.unpolled_bytes())});
    sink_.log(std::move(entry));
  }
  held_back_ = full;
  if (full) {
    return std::nullopt;
  }

  std::size_t requests_size = 0;
  std::vector<std::uint64_t> ids;
  const std::size_t limit = std::min<std::size_t>(allowed, config_.max_batch_size);
  ids.reserve(limit);
  const std::size_t fixed = BatchEncoder::kMessageOverhead + client_id_.size();
  for (const Request* request = hot_.front(); ids.size() < limit; request = request->next) {
    const std::size_t size = BatchEncoder::wrapped_size(request->id, request->encoded_size);
    if (!ids.empty() && fixed + requests_size + size > config_.max_batch_bytes) {
      break;
    }
    requests_size += size;
    ids.push_back(request->id);
  }

  Batch batch;
  batch.id = last_batch_id_ + 1;
  batch.requests = ids.size();
  BatchEncoder encoder(client_id_, batch.id, requests_size);
  sent_.sent(batch.id, std::move(ids), now);
  // From here on nothing fails: all the memory is there.
  last_batch_id_ = batch.id;
  for (std::size_t i = 0; i < batch.requests; ++i) {
    Request& request = *hot_.front();
    encoder.add(request.id, request.encoded());
    hot_.erase(request);
    request.state = Request::State::kInFlight;
    request.ever_sent = true;
    request.batch_id = batch.id;
    in_flight_.push_back(request);
    metrics_.queue_time.record(microseconds_between(request.accepted, now));
  }
  metrics_.batch_size.record(batch.requests);
  batch.message = encoder.take();
  pacer_.sent(now, batch.requests);
  counters_.batches_sent.add();
  update_gauges();
  return batch;
}

std::unique_ptr<CompletionBlock> Engine::decode(std::string bytes) {
  auto block = std::make_unique<CompletionBlock>(std::move(bytes));
  if (const char* problem = decode_message(block->storage(), config_.max_batch_size + kStrayAnswers, incoming_)) {
    malformation_ = problem;
    counters_.malformed_messages.add();
    return nullptr;
  }
  return block;
}

Received Engine::receive(std::string bytes, TimePoint now) {
  std::unique_ptr<CompletionBlock> block = decode(std::move(bytes));
  if (block == nullptr) {
    return Received::kMalformed;
  }
  switch (incoming_.kind) {
    case IncomingMessage::Kind::kPull:
      pulled(now);
      return Received::kPull;
    case IncomingMessage::Kind::kBatchResponse:
      return answered(incoming_, std::move(block), now) ? Received::kAnswers : Received::kNothing;
    default:
      return Received::kNothing;
  }
}

bool Engine::receive_late(std::uint64_t stream, std::string bytes, TimePoint now) {
  const auto found = late_streams_.find(stream);
  if (found == late_streams_.end()) {
    return false;
  }
  std::unique_ptr<CompletionBlock> block = decode(std::move(bytes));
  if (block == nullptr) {
    return false;
  }
  StreamLedger& sent = found->second;
  // Its pulls are for nothing that would be sent.
  if (incoming_.kind == IncomingMessage::Kind::kBatchResponse) {
    block->reserve(incoming_.answers.size());
    if (sent.unanswered_requests(incoming_.batch_id) != nullptr) {
      batch_answered(sent, incoming_.batch_id, now);
    }
    {
      Publication publication(*this, std::move(block));
      for (const Answer& answer : incoming_.answers) {
        answer_nobody(answer, sent, now, publication.block());
      }
    }
    counters_.late_answers_forgotten.add(sent.answered(incoming_.batch_id));
    update_gauges();
  }
  return sent.late() > 0 && sent.unanswered() > 0;
}

void Engine::late_stream_closed(std::uint64_t stream) {
  late_streams_.erase(stream);
  update_gauges();
}

// Whether the batch had not been answered before.
bool Engine::answered(const IncomingMessage& message, std::unique_ptr<CompletionBlock> block, TimePoint now) {
  block->reserve(message.answers.size());
  const std::vector<std::uint64_t>* asked = sent_.unanswered_requests(message.batch_id);
  const bool awaited = asked != nullptr;
  std::size_t unanswered = awaited ? asked->size() : 0;
  if (awaited) {
    batch_answered(sent_, message.batch_id, now);
  }
  {
    Publication publication(*this, std::move(block));
    for (const Answer& answer : message.answers) {
      unanswered -= answer_one(answer, message.batch_id, now, publication.block()) && awaited ? 1 : 0;
    }
  }
  if (unanswered > 0) {
    end_unanswered_of(message.batch_id, now);
  }
  counters_.late_answers_forgotten.add(sent_.answered(message.batch_id));
  update_gauges();
  return awaited;
}

void Engine::batch_answered(const StreamLedger& sent, std::uint64_t batch, TimePoint now) {
  counters_.batches_answered.add();
  metrics_.batch_time.record(microseconds_between(sent.sent_at(batch), now));
}

// The rest of a batch that was answered.
void Engine::end_unanswered_of(std::uint64_t batch, TimePoint now) {
  const std::vector<std::uint64_t>* asked = sent_.unanswered_requests(batch);
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

bool Engine::answer_one(const Answer& answer, std::uint64_t batch, TimePoint now, CompletionBlock& block) {
  Request* request = table_.find(answer.request_id);
  if (request == nullptr || request->state != Request::State::kInFlight) {
    answer_nobody(answer, sent_, now, block);
    return false;
  }
  const bool of_this_batch = request->batch_id == batch;
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

void Engine::answer_nobody(const Answer& answer, StreamLedger& sent, TimePoint now, CompletionBlock& block) {
  const bool has_server = answer.kind == Answer::Kind::kResponse && has_game_server(answer.payload);
  const bool given_out = answer.request_id != 0 && answer.request_id <= highest_id_;
  const std::optional<std::uint64_t> batch = sent.take_late(answer.request_id);
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
  expire(now);
  if (return_unsent_) {
    end_all(hot_, PROC_OUTCOME_SHUTDOWN, {}, now);
  } else if (hand_over_) {
    hand_over_all(now);
  } else if (config_.fail_fast && unreachable_) {
    end_all(hot_, PROC_OUTCOME_DISCONNECTED, unreachable_reason_, now);
  }
  if (!stream_open_) {
    end_all(in_flight_, PROC_OUTCOME_DISCONNECTED, lost_reason_, now);
  } else if (give_up_in_flight_) {
    end_all(in_flight_, PROC_OUTCOME_SHUTDOWN, {}, now);
  }
}

void Engine::expire(TimePoint now) {
  Request* due = deadlines_.expire(now);
  try {
    while (due != nullptr) {
      std::size_t count = 0;
      for (const Request* request = due; request != nullptr && count < kBlockSize; request = request->wheel_next) {
        ++count;
      }
      auto block = std::make_unique<CompletionBlock>();
      block->reserve(count);
      for (; count > 0; --count) {
        Request& request = *due;
        due = due->wheel_next;
        end(request, PROC_OUTCOME_TIMEOUT, now, *block);
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
  return_unsent_ = true;
  end_due(now);
}

void Engine::hand_over_unsent(TimePoint now) {
  hand_over_ = true;
  end_due(now);
}

void Engine::give_up_in_flight(TimePoint now) {
  give_up_in_flight_ = true;
  end_due(now);
}

void Engine::end_all(RequestList& list, proc_outcome outcome, std::string_view text, TimePoint now) {
  while (!list.empty()) {
    auto block = std::make_unique<CompletionBlock>(std::string(text));
    block->reserve(std::min(list.size(), kBlockSize));
    while (!list.empty() && block->items.size() < kBlockSize) {
      end(*list.front(), outcome, now, *block, block->storage());
    }
    publish(std::move(block));
  }
}

// What was sent once and waits to be sent again (resend) stays: nobody else may say that it was not sent.
void Engine::hand_over_all(TimePoint now) {
  Request* request = hot_.front();
  while (true) {
    while (request != nullptr && request->ever_sent) {
      request = request->next;
    }
    if (request == nullptr) {
      return;
    }
    auto block = std::make_unique<CompletionBlock>(std::string(), QueuedEvent::Kind::kHandedOver);
    block->reserve(std::min(hot_.size(), kBlockSize));
    while (request != nullptr && block->items.size() < kBlockSize) {
      Request* following = request->next;
      if (!request->ever_sent) {
        end(*request, PROC_OUTCOME_SHUTDOWN, now, *block);
      }
      request = following;
    }
    publish(std::move(block));
  }
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
  } else {
    const bool done = outcome == PROC_OUTCOME_ALLOCATED || outcome == PROC_OUTCOME_REJECTED;
    completion.delivery = done ? PROC_DELIVERY_DONE : PROC_DELIVERY_UNKNOWN;
    if (!done && stream_open_) {
      sent_.gave_up(request.batch_id, request.id);
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
  switch (outcome) {
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
    default:
      counters_.shut_down.add();
      break;
  }
}

void Engine::update_gauges() noexcept {
  counters_.unsent.set(hot_.size());
  counters_.in_flight.set(in_flight_.size());
  std::size_t late = sent_.late();
  for (const auto& [stream, sent] : late_streams_) {
    late += sent.late();
  }
  counters_.late_answers.set(late);
}

}  // namespace agones::plugin
