// SPDX-License-Identifier: Apache-2.0
#include "local-processor/local_processor.h"

#include <allocation/processor.grpc.pb.h>
#include <google/protobuf/arena.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "listen-address/listen_address.h"

namespace agones::local {

namespace {

using allocation::BatchRequest;
using allocation::ProcessorMessage;
using Stream = grpc::ServerReaderWriter<ProcessorMessage, ProcessorMessage>;

constexpr std::uint16_t kDefaultPort = 9090;
constexpr char kHealthService[] = "processor";

// One registered stream. Pulls and answers are written by two threads, one at a time.
class Client {
 public:
  Client(grpc::ServerContext& context, Stream& stream) : stream_(&stream), context_(&context) {}

  // Waits while the client does not read.
  bool write(const ProcessorMessage& message) {
    const std::lock_guard<std::mutex> lock(writing_);
    return stream_ != nullptr && stream_->Write(message);
  }
  void pull(const ProcessorMessage& message) {
    // Before the client can answer it.
    pulled_ = true;
    write(message);
  }
  bool pulled() const { return pulled_; }
  // Ends a write that waits, so it must not wait for one.
  void cancel() {
    const std::lock_guard<std::mutex> lock(calling_);
    if (context_ != nullptr) {
      context_->TryCancel();
    }
  }
  // The stream's thread leaves: nobody may touch the stream any more.
  void detach() {
    {
      const std::lock_guard<std::mutex> lock(writing_);
      stream_ = nullptr;
    }
    const std::lock_guard<std::mutex> lock(calling_);
    context_ = nullptr;
  }

 private:
  std::mutex writing_;
  Stream* stream_;
  std::mutex calling_;
  grpc::ServerContext* context_;
  std::atomic<bool> pulled_{false};
};

}  // namespace

class LocalProcessor::Impl final : public allocation::Processor::Service {
 public:
  Impl(LocalProcessorOptions options, std::shared_ptr<Fleet> fleet)
      : options_(std::move(options)),
        fleet_(std::move(fleet)),
        faults_(options_.faults),
        dice_(options_.seed),
        serving_(options_.serving),
        address_(listen_address::parse(options_.address, kDefaultPort)) {
    if (options_.timing.batch_wait.count() > 0 || options_.timing.updates.per_second > 0 ||
        options_.timing.updates.each.count() > 0 || options_.timing.updates.slow_rate > 0) {
      queue_.emplace(fleet_, options_.timing, options_.seed);
    }
    start_server();
    set_faults(faults_);
    set_serving(serving_);
    puller_ = std::thread([this] { pull_loop(); });
  }

  ~Impl() override {
    kill();
    if (decides_writes_) {
      fleet_->set_writes(nullptr);
    }
  }

  std::string address() const { return address_.text(); }

  void set_serving(bool serving) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      serving_ = serving;
    }
    if (options_.health_service) {
      server_->GetHealthCheckService()->SetServingStatus(kHealthService, serving);
    }
  }

  bool serving() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return serving_;
  }

  void set_faults(const Faults& faults) {
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

  Faults faults() const { return current_faults(); }

  std::optional<UpdateTiming> updates() const { return queue_ ? std::optional(queue_->updates()) : std::nullopt; }

  void set_updates(const UpdateTiming& timing) {
    if (queue_) {
      queue_->set_updates(timing);
    }
  }

  void kill() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) {
        return;
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
    // Without waiting for calls to end by themselves.
    server_->Shutdown(std::chrono::system_clock::now());
    puller_.join();
    server_->Wait();
  }

  ProcessorCounts counts() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    ProcessorCounts counts = counts_;
    counts.clients = clients_.size();
    return counts;
  }

  std::vector<LedgerEntry> ledger() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ledger_;
  }

 private:
  grpc::Status StreamBatches(grpc::ServerContext* context, Stream* stream) override {
    ProcessorMessage message;
    if (!stream->Read(&message)) {
      return end_of_client();
    }
    // The first message registers; its payload is ignored.
    if (message.client_id().empty()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "clientID is required"};
    }
    const std::string id = message.client_id();
    const auto client = std::make_shared<Client>(*context, *stream);
    add(id, client);
    while (may_read() && take_message(id, *client, *stream)) {
    }
    client->detach();
    remove(id);
    return end_of_client();
  }

  // A client that closes its side is told what Go calls that.
  static grpc::Status end_of_client() { return {grpc::StatusCode::UNKNOWN, "EOF"}; }

  void add(const std::string& id, const std::shared_ptr<Client>& client) {
    const std::lock_guard<std::mutex> lock(mutex_);
    clients_[id] = client;
    ++counts_.streams;
    if (stopping_) {
      client->cancel();
    }
  }

  // By id alone, whichever stream holds it now: so does the real processor, and a client that registers
  // an id again before its old stream has ended is forgotten.
  void remove(const std::string& id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    clients_.erase(id);
  }

  bool may_read() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !faults_.stop_reading; });
    return !stopping_;
  }

  // False if the stream is to end. What a batch and its answer are made of goes at once when both are done with.
  bool take_message(const std::string& id, Client& client, Stream& stream) {
    google::protobuf::Arena arena;
    auto* const message = google::protobuf::Arena::CreateMessage<ProcessorMessage>(&arena);
    return stream.Read(message) &&
           (!message->has_batch_request() || handle(id, client, message->batch_request(), arena));
  }

  // False if the stream is to end.
  bool handle(const std::string& id, Client& client, const BatchRequest& batch, google::protobuf::Arena& arena) {
    const auto start = std::chrono::steady_clock::now();
    const Faults faults = current_faults();
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

  struct Plan {
    bool drop_before;
    bool drop_after;
    bool twice;
    bool unknown_id;
    bool garbage;
  };

  Plan make_plan(const Faults& faults) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {dice_.roll(faults.drop_before_answer), dice_.roll(faults.drop_after_answer),
            dice_.roll(faults.answer_twice), dice_.roll(faults.answer_unknown_ids), dice_.roll(faults.answer_garbage)};
  }

  Faults current_faults() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return faults_;
  }

  // False if the processor stops meanwhile.
  bool wait_for(std::chrono::milliseconds Faults::*time) {
    const auto start = std::chrono::steady_clock::now();
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_ && std::chrono::steady_clock::now() < start + faults_.*time) {
      changed_.wait_until(lock, start + faults_.*time);
    }
    return !stopping_;
  }

  // False if the processor stops meanwhile.
  bool answer_batch(const std::string& id, Client& client, const BatchRequest& batch, const Faults& faults,
                    allocation::BatchResponse& answer) {
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
    if (options_.ledger) {
      std::for_each(allocated.begin(), allocated.end(), options_.ledger);
    } else {
      ledger_.insert(ledger_.end(), std::make_move_iterator(allocated.begin()),
                     std::make_move_iterator(allocated.end()));
    }
    return true;
  }

  // False if the processor stops meanwhile.
  bool allocate(const BatchRequest& batch, const Faults& faults, allocation::BatchResponse& answer,
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
    fleet_->begin_list();
    for (const Errand& errand : errands) {
      *errand.result = fleet_->allocate(*errand.request, *errand.response);
    }
    return true;
  }

  void note_time(std::chrono::duration<double> time) {
    const std::lock_guard<std::mutex> lock(mutex_);
    counts_.batch_times.add(time);
  }

  // Called with the fleet's lock held.
  Write fate_of_write() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (dice_.roll(faults_.write_conflict_rate)) {
      return Write::kConflict;
    }
    return dice_.roll(faults_.write_error_rate) ? Write::kError : Write::kOk;
  }

  bool roll(double rate) {
    if (rate <= 0) {
      return false;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    return dice_.roll(rate);
  }

  static void pad(allocation::BatchResponse& answer, std::uint32_t bytes) {
    for (auto& response : *answer.mutable_responses()) {
      if (bytes > 0 && response.has_response()) {
        (*response.mutable_response()->mutable_metadata()->mutable_annotations())["padding"] = std::string(bytes, 'x');
        return;
      }
    }
  }

  // A pull whose text is not UTF-8 can be sent but not be parsed by whoever checks; a batch answer with a
  // wrong length inside can't be parsed by anybody. The latter is put into a message as an unknown field.
  static void send_garbage(Client& client) {
    ProcessorMessage message;
    message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(4)->assign("\x12\xff\xff\xff\x0f");
    client.write(message);
  }

  void pull_loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!changed_.wait_for(lock, options_.pull_interval, [this] { return stopping_; })) {
      if (!serving_ || faults_.stop_pulling) {
        continue;
      }
      // One client after the other, as the real processor does; one that does not read holds up the rest.
      const std::map<std::string, std::shared_ptr<Client>> clients = clients_;
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

  std::shared_ptr<grpc::ServerCredentials> credentials() const {
    if (options_.certificate_pem.empty()) {
      return grpc::InsecureServerCredentials();
    }
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({options_.key_pem, options_.certificate_pem});
    if (!options_.client_ca_pem.empty()) {
      tls.pem_root_certs = options_.client_ca_pem;
      tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    }
    return grpc::SslServerCredentials(tls);
  }

  void start_server() {
    grpc::EnableDefaultHealthCheckService(options_.health_service);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address_.text(), credentials(), &port);
    builder.RegisterService(this);
    // The real processor's settings.
    builder.SetMaxReceiveMessageSize(4 << 20);
    builder.SetMaxSendMessageSize(-1);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 30000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
    // Two processors on one port would share its clients at random.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      throw std::runtime_error("cannot listen on " + address_.text() + ": " + problem());
    }
    address_.port = static_cast<std::uint16_t>(port);
  }

  // gRPC says it to its log alone.
  std::string problem() const {
    const std::string of_address = listen_address::problem_of(address_);
    if (!of_address.empty()) {
      return of_address;
    }
    return options_.certificate_pem.empty() ? "gRPC can't"
                                            : "certificate, key or client CA can't be used; each must be PEM, and the "
                                              "key that of the certificate";
  }

  const LocalProcessorOptions options_;
  const std::shared_ptr<Fleet> fleet_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Faults faults_;
  Dice dice_;
  bool serving_;
  bool stopping_ = false;
  std::map<std::string, std::shared_ptr<Client>> clients_;
  ProcessorCounts counts_;
  std::vector<LedgerEntry> ledger_;
  bool decides_writes_ = false;
  std::optional<AllocationQueue> queue_;
  listen_address::ListenAddress address_;
  std::unique_ptr<grpc::Server> server_;
  std::thread puller_;
};

QueueTiming timing_like_agones() {
  QueueTiming timing;
  timing.batch_wait = std::chrono::milliseconds(50);
  timing.updates.per_second = 400;
  timing.updates.burst = 500;
  timing.updates.at_a_time = 100;
  timing.updates.each = std::chrono::milliseconds(5);
  return timing;
}

void BatchTimes::add(std::chrono::duration<double> time) {
  const auto* const limit = std::lower_bound(kLimits.begin(), kLimits.end(), time.count());
  ++counts[static_cast<std::size_t>(limit - kLimits.begin())];
  sum += time.count();
}

LocalProcessor::LocalProcessor(LocalProcessorOptions options, std::shared_ptr<Fleet> fleet)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(fleet))) {}

LocalProcessor::~LocalProcessor() = default;

std::string LocalProcessor::address() const {
  return impl_->address();
}

void LocalProcessor::set_serving(bool serving) {
  impl_->set_serving(serving);
}

bool LocalProcessor::serving() const {
  return impl_->serving();
}

void LocalProcessor::set_faults(const Faults& faults) {
  impl_->set_faults(faults);
}

Faults LocalProcessor::faults() const {
  return impl_->faults();
}

std::optional<UpdateTiming> LocalProcessor::updates() const {
  return impl_->updates();
}

void LocalProcessor::set_updates(const UpdateTiming& timing) {
  impl_->set_updates(timing);
}

void LocalProcessor::kill() {
  impl_->kill();
}

ProcessorCounts LocalProcessor::counts() const {
  return impl_->counts();
}

std::vector<LedgerEntry> LocalProcessor::ledger() const {
  return impl_->ledger();
}

}  // namespace agones::local
