// SPDX-License-Identifier: Apache-2.0
#include "local-processor/stream_handler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace agones::local {

namespace {

using allocation::BatchRequest;
using allocation::ProcessorMessage;

// A client that closes its side is told what Go calls that.
grpc::Status end_of_client() {
  return {grpc::StatusCode::UNKNOWN, "EOF"};
}

void pad(allocation::BatchResponse& answer, std::uint32_t bytes) {
  for (auto& response : *answer.mutable_responses()) {
    if (bytes > 0 && response.has_response()) {
      (*response.mutable_response()->mutable_metadata()->mutable_annotations())["padding"] = std::string(bytes, 'x');
      return;
    }
  }
}

// A pull whose text is not UTF-8 can be sent but not be parsed by whoever checks; a batch answer with a
// wrong length inside can't be parsed by anybody. The latter is put into a message as an unknown field.
void send_garbage(RegisteredStream& client) {
  ProcessorMessage message;
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(4)->assign("\x12\xff\xff\xff\x0f");
  client.write(message);
}

}  // namespace

StreamHandler::StreamHandler(const LocalProcessorOptions& options, std::shared_ptr<Fleet> fleet)
    : tell_ledger_(options.ledger), fleet_(std::move(fleet)), dice_(options.seed), serving_(options.serving) {
  const UpdateTiming& updates = options.timing.updates;
  if (options.timing.batch_wait.count() > 0 || updates.per_second > 0 || updates.each.count() > 0 ||
      updates.slow_rate > 0) {
    queue_.emplace(fleet_, options.timing, options.seed);
  }
  set_faults(options.faults);
}

StreamHandler::~StreamHandler() {
  if (decides_writes_) {
    fleet_->set_writes(nullptr);
  }
}

void StreamHandler::set_serving(bool serving) {
  const std::lock_guard<std::mutex> lock(mutex_);
  serving_ = serving;
}

bool StreamHandler::serving() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return serving_;
}

void StreamHandler::set_faults(const Faults& faults) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    faults_ = faults;
    changed_.notify_all();
  }
  // Its other processors' writes are their own business.
  if (faults.write_conflict_rate > 0 || faults.write_error_rate > 0) {
    decides_writes_ = true;
    fleet_->set_writes([this] { return fate_of_write(); });
  }
}

Faults StreamHandler::faults() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return faults_;
}

std::optional<UpdateTiming> StreamHandler::updates() const {
  return queue_ ? std::optional(queue_->updates()) : std::nullopt;
}

void StreamHandler::set_updates(const UpdateTiming& timing) {
  if (queue_) {
    queue_->set_updates(timing);
  }
}

bool StreamHandler::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) {
      return false;
    }
    stopping_ = true;
    for (const auto& [id, client] : clients_) {
      client->cancel();
    }
  }
  changed_.notify_all();
  if (queue_) {
    queue_->close();
  }
  return true;
}

ProcessorCounts StreamHandler::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  ProcessorCounts counts = counts_;
  counts.clients = clients_.size();
  return counts;
}

std::vector<LedgerEntry> StreamHandler::ledger() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ledger_;
}

void StreamHandler::pull(std::chrono::milliseconds interval) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!changed_.wait_for(lock, interval, [this] { return stopping_; })) {
    if (!serving_ || faults_.stop_pulling) {
      continue;
    }
    // One client after the other, as the real processor does; one that does not read holds up the rest.
    const std::map<std::string, std::shared_ptr<RegisteredStream>> clients = clients_;
    lock.unlock();
    for (const auto& [id, client] : clients) {
      ProcessorMessage message;
      message.set_client_id(id);
      message.mutable_pull()->set_message("pull");
      client->pull(message);
    }
    lock.lock();
    counts_.pulls += clients.size();
  }
}

grpc::Status StreamHandler::StreamBatches(grpc::ServerContext* context, Stream* stream) {
  ProcessorMessage message;
  if (!stream->Read(&message)) {
    return end_of_client();
  }
  // The first message registers; its payload is ignored.
  if (message.client_id().empty()) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "clientID is required"};
  }
  const std::string id = message.client_id();
  const auto client = std::make_shared<RegisteredStream>(*context, *stream);
  add(id, client);
  while (may_read() && handle_message(id, *client, *stream)) {
  }
  client->detach();
  remove(id);
  return end_of_client();
}

void StreamHandler::add(const std::string& id, const std::shared_ptr<RegisteredStream>& client) {
  const std::lock_guard<std::mutex> lock(mutex_);
  clients_[id] = client;
  ++counts_.streams;
  if (stopping_) {
    client->cancel();
  }
}

// By id alone, whichever stream holds it now: so does the real processor, and a client that registers
// an id again before its old stream has ended is forgotten.
void StreamHandler::remove(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  clients_.erase(id);
}

bool StreamHandler::may_read() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !faults_.stop_reading; });
  return !stopping_;
}

// What a batch and its answer are made of goes at once when both are done with.
bool StreamHandler::handle_message(const std::string& id, RegisteredStream& client, Stream& stream) {
  google::protobuf::Arena arena;
  auto* const message = google::protobuf::Arena::CreateMessage<ProcessorMessage>(&arena);
  return stream.Read(message) &&
         (!message->has_batch_request() || handle_batch(id, client, message->batch_request(), arena));
}

bool StreamHandler::handle_batch(const std::string& id, RegisteredStream& client, const BatchRequest& batch,
                                 google::protobuf::Arena& arena) {
  const auto start = std::chrono::steady_clock::now();
  const Faults faults = this->faults();
  const Plan plan = make_plan(faults);
  ProcessorMessage& answer = *google::protobuf::Arena::CreateMessage<ProcessorMessage>(&arena);
  answer.set_client_id(id);
  if (!wait_for(&Faults::work) || !answer_batch(id, client, batch, faults, *answer.mutable_batch_response())) {
    client.cancel();
    return false;
  }
  const bool alive = wait_for(&Faults::latency);
  note_time(std::chrono::steady_clock::now() - start);
  if (!alive || plan.drop_before) {
    client.cancel();
    return false;
  }
  if (plan.garbage) {
    send_garbage(client);
    return true;
  }
  if (plan.unknown_id) {
    auto* extra = answer.mutable_batch_response()->add_responses();
    extra->set_request_id("nobody-asked-for-this");
    extra->mutable_error()->set_code(grpc::StatusCode::INTERNAL);
  }
  bool sent = client.write(answer);
  if (sent && plan.twice) {
    sent = client.write(answer);
  }
  if (plan.drop_after) {
    client.cancel();
  }
  return sent && !plan.drop_after;
}

StreamHandler::Plan StreamHandler::make_plan(const Faults& faults) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {dice_.roll(faults.drop_before_answer), dice_.roll(faults.drop_after_answer), dice_.roll(faults.answer_twice),
          dice_.roll(faults.answer_unknown_ids), dice_.roll(faults.answer_garbage)};
}

bool StreamHandler::wait_for(std::chrono::milliseconds Faults::*time) {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < start + faults_.*time) {
    changed_.wait_until(lock, start + faults_.*time);
  }
  return !stopping_;
}

bool StreamHandler::answer_batch(const std::string& id, RegisteredStream& client, const BatchRequest& batch,
                                 const Faults& faults, allocation::BatchResponse& answer) {
  const bool pulled = client.pulled();
  answer.set_batch_id(batch.batch_id());
  for (const auto& wrapper : batch.requests()) {
    answer.add_responses()->set_request_id(wrapper.request_id());
  }
  std::vector<AllocationResult> results(static_cast<std::size_t>(batch.requests_size()));
  if (!allocate(batch, faults, answer, results)) {
    return false;
  }
  std::vector<LedgerEntry> allocated;
  for (int i = 0; i < batch.requests_size(); ++i) {
    AllocationResult& result = results[static_cast<std::size_t>(i)];
    auto& response = *answer.mutable_responses(i);
    if (result.code != 0) {
      response.mutable_error()->set_code(result.code);
      response.mutable_error()->set_message(std::move(result.message));
    } else {
      allocated.push_back({id, response.request_id(), response.response().gameservername()});
    }
  }
  pad(answer, faults.oversize_bytes);
  const auto without_request = std::count_if(batch.requests().begin(), batch.requests().end(),
                                             [](const auto& wrapper) { return !wrapper.has_request(); });
  const auto requests = static_cast<std::uint64_t>(batch.requests_size());
  const std::lock_guard<std::mutex> lock(mutex_);
  ++counts_.batches;
  counts_.requests += requests;
  counts_.allocated += allocated.size();
  counts_.refused += requests - allocated.size();
  counts_.wrappers_without_request += static_cast<std::uint64_t>(without_request);
  counts_.batches_before_pull += pulled ? 0 : 1;
  counts_.largest_batch = std::max(counts_.largest_batch, requests);
  if (tell_ledger_) {
    std::for_each(allocated.begin(), allocated.end(), tell_ledger_);
  } else {
    ledger_.insert(ledger_.end(), std::make_move_iterator(allocated.begin()), std::make_move_iterator(allocated.end()));
  }
  return true;
}

bool StreamHandler::allocate(const BatchRequest& batch, const Faults& faults, allocation::BatchResponse& answer,
                             std::vector<AllocationResult>& results) {
  std::vector<Errand> errands;
  for (int i = 0; i < batch.requests_size(); ++i) {
    AllocationResult& result = results[static_cast<std::size_t>(i)];
    if (roll(faults.error_rate)) {
      result = {faults.error_code, "injected fault"};
    } else {
      errands.push_back({&batch.requests(i).request(), answer.mutable_responses(i)->mutable_response(), &result});
    }
  }
  if (queue_) {
    return queue_->allocate(errands);
  }
  if (fleet_->decides_batches()) {
    fleet_->allocate_batch(errands);
    return true;
  }
  fleet_->begin_list();
  for (const Errand& errand : errands) {
    *errand.result = fleet_->allocate(*errand.request, *errand.response);
  }
  return true;
}

void StreamHandler::note_time(std::chrono::duration<double> time) {
  const std::lock_guard<std::mutex> lock(mutex_);
  counts_.batch_times.add(time);
}

Write StreamHandler::fate_of_write() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (dice_.roll(faults_.write_conflict_rate)) {
    return Write::kConflict;
  }
  return dice_.roll(faults_.write_error_rate) ? Write::kError : Write::kOk;
}

bool StreamHandler::roll(double rate) {
  if (rate <= 0) {
    return false;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  return dice_.roll(rate);
}

}  // namespace agones::local
