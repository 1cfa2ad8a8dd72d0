// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "wire/response.h"

namespace agones::plugin {

namespace {

constexpr std::int32_t kGrpcInternal = 13;
// A block lives until all of it was polled, so a large one would keep its memory for long.
constexpr std::size_t kBlockSize = 512;
constexpr int kOverdueIntervals = 2;

}  // namespace

Engine::Engine(const Config& config, TimePoint start, Counters& counters, EngineSink& sink)
    : config_(config), counters_(counters), sink_(sink), deadlines_(start) {}

void Engine::submit(RequestPtr request, TimePoint now) {
  Request& added = *request;
  ++received_;
  highest_id_ = std::max(highest_id_, added.id);
  added.state = Request::State::kQueued;
  table_.insert(std::move(request));
  hot_.push_back(added);
  deadlines_.add(added);
  if (return_unsent_ || (config_.fail_fast && unreachable_)) {
    auto block = std::make_unique<CompletionBlock>(unreachable_reason_);
    end(added, return_unsent_ ? PROC_OUTCOME_SHUTDOWN : PROC_OUTCOME_DISCONNECTED, now, *block, block->storage);
    publish(std::move(block));
  }
  update_gauges();
}

void Engine::cancel(std::uint64_t id, TimePoint now) {
  if (Request* request = table_.find(id)) {
    auto block = std::make_unique<CompletionBlock>();
    end(*request, PROC_OUTCOME_CANCELLED, now, *block);
    publish(std::move(block));
  }
}

void Engine::stream_opened(std::string client_id) {
  client_id_ = std::move(client_id);
  stream_open_ = true;
  pull_quota_ = 0;
  unused_pulls_ = 0;
  last_pull_.reset();
  pull_interval_.reset();
  unreachable_ = false;
  unreachable_reason_.clear();
  counters_.streams.add();
}

void Engine::stream_lost(std::string_view reason, TimePoint now) {
  stream_open_ = false;
  pull_quota_ = 0;
  unused_pulls_ = 0;
  unanswered_batches_.clear();
  gave_up_.clear();
  if (config_.resend && !return_unsent_) {
    // In front of the hot batch, in their old order: they have waited longest.
    std::vector<Request*> sent;
    for (Request* request = in_flight_.front(); request != nullptr; request = request->next) {
      sent.push_back(request);
    }
    for (auto again = sent.rbegin(); again != sent.rend(); ++again) {
      in_flight_.erase(**again);
      (*again)->state = Request::State::kQueued;
      (*again)->batch_id = 0;
      hot_.push_front(**again);
    }
    counters_.resent.add(sent.size());
  } else {
    end_all(in_flight_, PROC_OUTCOME_DISCONNECTED, reason, now);
  }
  update_gauges();
}

bool Engine::stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) {
  LateAnswers late = std::move(gave_up_);
  for (const Request* request = in_flight_.front(); request != nullptr; request = request->next) {
    late.emplace(request->id, request->batch_id);
  }
  const bool awaited = !late.empty();
  if (awaited) {
    late_streams_[stream] = std::move(late);
  }
  stream_lost(reason, now);
  return awaited;
}

void Engine::set_reachable(bool reachable, std::string_view reason, TimePoint now) {
  unreachable_ = !reachable;
  unreachable_reason_ = reason;
  if (unreachable_ && config_.fail_fast) {
    end_all(hot_, PROC_OUTCOME_DISCONNECTED, reason, now);
  }
}

void Engine::pulled(TimePoint now) {
  counters_.pulls.add();
  if (last_pull_) {
    pull_interval_ = now - *last_pull_;
  }
  last_pull_ = now;
  pull_quota_ = hot_.size();
  if (hot_.empty() && unused_pulls_ < config_.pull_credit) {
    ++unused_pulls_;
  }
}

// A processor whose pulls stay away may be gone: what is sent to it would end as UNKNOWN.
bool Engine::use_credit(TimePoint now) {
  const bool overdue = pull_interval_ && now - *last_pull_ > kOverdueIntervals * *pull_interval_;
  if (unused_pulls_ == 0 || overdue) {
    return false;
  }
  --unused_pulls_;
  return true;
}

bool Engine::eager() const {
  return stream_open_ && unused_pulls_ > 0;
}

std::optional<Engine::Batch> Engine::next_batch(TimePoint now) {
  if (!stream_open_) {
    return std::nullopt;
  }
  // What has timed out must not be sent.
  expire(now);
  if (pull_quota_ == 0 && !hot_.empty() && use_credit(now)) {
    pull_quota_ = hot_.size();
  }
  pull_quota_ = std::min(pull_quota_, hot_.size());
  if (pull_quota_ == 0 || unanswered_batches_.size() >= config_.max_unanswered_batches) {
    return std::nullopt;
  }

  std::size_t count = 0;
  std::size_t requests_size = 0;
  const std::size_t limit = std::min<std::size_t>(pull_quota_, config_.max_batch_size);
  const std::size_t fixed = BatchEncoder::kMessageOverhead + client_id_.size();
  for (const Request* request = hot_.front(); count < limit; request = request->next) {
    const std::size_t size = BatchEncoder::wrapped_size(request->id, request->encoded_size);
    if (count > 0 && fixed + requests_size + size > config_.max_batch_bytes) {
      break;
    }
    requests_size += size;
    ++count;
  }

  Batch batch;
  batch.id = ++last_batch_id_;
  batch.requests = count;
  BatchEncoder encoder(client_id_, batch.id, requests_size);
  for (std::size_t i = 0; i < count; ++i) {
    Request& request = *hot_.front();
    encoder.add(request.id, request.encoded());
    hot_.erase(request);
    request.state = Request::State::kInFlight;
    request.batch_id = batch.id;
    in_flight_.push_back(request);
  }
  batch.message = encoder.take();
  pull_quota_ -= count;
  unanswered_batches_.emplace(batch.id, count);
  counters_.batches_sent.add();
  update_gauges();
  return batch;
}

std::unique_ptr<CompletionBlock> Engine::decode(std::string bytes) {
  auto block = std::make_unique<CompletionBlock>(std::move(bytes));
  if (!decode_message(block->storage, incoming_)) {
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
      answered(incoming_, std::move(block), now);
      return Received::kAnswers;
    default:
      return Received::kNothing;
  }
}

bool Engine::receive_late(std::uint64_t stream, std::string bytes, TimePoint now) {
  const auto awaited = late_streams_.find(stream);
  if (awaited == late_streams_.end()) {
    return false;
  }
  std::unique_ptr<CompletionBlock> block = decode(std::move(bytes));
  if (block == nullptr) {
    return false;
  }
  // Its pulls are for nothing that would be sent.
  if (incoming_.kind == IncomingMessage::Kind::kBatchResponse) {
    for (const Answer& answer : incoming_.answers) {
      answer_nobody(answer, awaited->second, now, *block);
    }
    publish(std::move(block));
    update_gauges();
  }
  return !awaited->second.empty();
}

void Engine::late_stream_closed(std::uint64_t stream) {
  late_streams_.erase(stream);
  update_gauges();
}

void Engine::answered(const IncomingMessage& message, std::unique_ptr<CompletionBlock> block, TimePoint now) {
  block->items.reserve(message.answers.size());
  if (unanswered_batches_.count(message.batch_id) != 0) {
    counters_.batches_answered.add();
  }
  for (const Answer& answer : message.answers) {
    answer_one(answer, now, *block);
  }
  unanswered_batches_.erase(message.batch_id);
  publish(std::move(block));
  update_gauges();
}

void Engine::answer_one(const Answer& answer, TimePoint now, CompletionBlock& block) {
  Request* request = table_.find(answer.request_id);
  if (request == nullptr || request->state != Request::State::kInFlight) {
    answer_nobody(answer, gave_up_, now, block);
    return;
  }
  if (answer.kind == Answer::Kind::kResponse && has_game_server(answer.payload)) {
    end(*request, PROC_OUTCOME_ALLOCATED, now, block, answer.payload);
    return;
  }
  std::string_view text = answer.payload;
  std::int32_t code = answer.code;
  if (answer.kind != Answer::Kind::kError) {
    text = "the processor's answer names no game server";
    code = kGrpcInternal;
  }
  end(*request, PROC_OUTCOME_REJECTED, now, block, text);
  block.items.back().code = code;
}

void Engine::answer_nobody(const Answer& answer, LateAnswers& awaited, TimePoint now, CompletionBlock& block) {
  const bool has_server = answer.kind == Answer::Kind::kResponse && has_game_server(answer.payload);
  const bool given_out = answer.request_id != 0 && answer.request_id <= highest_id_;
  const auto late = awaited.find(answer.request_id);
  if (late == awaited.end() && given_out) {
    // Answered before: the host has that game server already.
    counters_.duplicate_answers.add();
    sink_.warn("a second answer to a request was dropped", answer.request_id, 0);
    return;
  }
  Completion orphan;
  if (late != awaited.end()) {
    orphan.request_id = late->first;
    orphan.batch_id = late->second;
    awaited.erase(late);
  } else {
    counters_.unknown_answers.add();
    sink_.warn("the processor answered a request id that was never given out: '" +
                   std::string(answer.request_id_text.substr(0, 64)) + "'",
               0, 0);
  }
  if (has_server) {
    orphan.ended = now;
    orphan.payload = answer.payload;
    block.items.push_back(std::move(orphan));
    counters_.orphans.add();
  }
}

void Engine::expire(TimePoint now) {
  expired_.clear();
  deadlines_.expire(now, expired_);
  for (std::size_t done = 0; done < expired_.size();) {
    auto block = std::make_unique<CompletionBlock>();
    for (; done < expired_.size() && block->items.size() < kBlockSize; ++done) {
      end(*expired_[done], PROC_OUTCOME_TIMEOUT, now, *block);
    }
    publish(std::move(block));
  }
}

void Engine::return_unsent(TimePoint now) {
  return_unsent_ = true;
  end_all(hot_, PROC_OUTCOME_SHUTDOWN, {}, now);
}

void Engine::give_up_in_flight(TimePoint now) {
  end_all(in_flight_, PROC_OUTCOME_SHUTDOWN, {}, now);
}

void Engine::end_all(RequestList& list, proc_outcome outcome, std::string_view text, TimePoint now) {
  while (!list.empty()) {
    auto block = std::make_unique<CompletionBlock>(std::string(text));
    while (!list.empty() && block->items.size() < kBlockSize) {
      end(*list.front(), outcome, now, *block, block->storage);
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
    completion.delivery = PROC_DELIVERY_NOT_SENT;
    hot_.erase(request);
  } else {
    const bool done = outcome == PROC_OUTCOME_ALLOCATED || outcome == PROC_OUTCOME_REJECTED;
    completion.delivery = done ? PROC_DELIVERY_DONE : PROC_DELIVERY_UNKNOWN;
    if (!done && stream_open_) {
      gave_up_.emplace(request.id, request.batch_id);
    }
    leave_flight(request);
  }
  deadlines_.remove(request);
  request.state = Request::State::kEnded;
  completion.request = table_.take(request.id);
  block.items.push_back(std::move(completion));
  count_outcome(outcome);
}

void Engine::leave_flight(Request& request) {
  in_flight_.erase(request);
  const auto batch = unanswered_batches_.find(request.batch_id);
  if (batch != unanswered_batches_.end() && --batch->second == 0) {
    unanswered_batches_.erase(batch);
  }
}

void Engine::publish(std::unique_ptr<CompletionBlock> block) {
  if (!block->items.empty()) {
    // First, so that a host that has polled a result finds it counted.
    update_gauges();
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

void Engine::update_gauges() {
  counters_.unsent.set(hot_.size());
  counters_.in_flight.set(in_flight_.size());
  std::size_t late = gave_up_.size();
  for (const auto& [stream, awaited] : late_streams_) {
    late += awaited.size();
  }
  counters_.late_answers.set(late);
}

}  // namespace agones::plugin
