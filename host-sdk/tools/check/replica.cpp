// SPDX-License-Identifier: Apache-2.0
#include "check/replica.h"

#include <allocation/processor.grpc.pb.h>
#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <thread>

#include "stream/http_status.h"

namespace check {

namespace {

using allocation::ProcessorMessage;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEndingTime{500};
constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
// HealthCheckRequest { service: "processor" }
constexpr char kProcessorsHealth[] = "\x0a\x09processor";
// HealthCheckResponse { status: SERVING }
constexpr char kServing[] = "\x08\x01";

std::string words_of(const grpc::Status& status) {
  return status.error_message().empty() ? "gRPC code " + std::to_string(status.error_code()) : status.error_message();
}

// A stream that has registered.
class Conversation {
 public:
  Conversation(const std::shared_ptr<grpc::Channel>& channel, const std::string& client_id,
               std::chrono::milliseconds patience)
      : stub_(allocation::Processor::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + patience);
    stream_ = stub_->StreamBatches(&context_);
    ProcessorMessage registration;
    registration.set_client_id(client_id);
    stream_->Write(registration);
  }
  bool write(const ProcessorMessage& message) { return stream_->Write(message); }
  bool read(ProcessorMessage& message) { return stream_->Read(&message); }
  // Once it has ended.
  grpc::Status status() { return stream_->Finish(); }
  // As the processor expects it: a stream that is cancelled is a warning in its log. One that it does not end is cancelled.
  void end() {
    std::promise<void> ended;
    std::thread patience([this, over = ended.get_future()] {
      if (over.wait_for(kEndingTime) == std::future_status::timeout) {
        context_.TryCancel();
      }
    });
    stream_->WritesDone();
    ProcessorMessage rest;
    while (stream_->Read(&rest)) {
    }
    stream_->Finish();
    ended.set_value();
    patience.join();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<allocation::Processor::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<ProcessorMessage, ProcessorMessage>> stream_;
};

}  // namespace

Replica::Replica(const agones::plugin::Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                 const std::string& server_name) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, address.authority);
  if (!server_name.empty()) {
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, server_name);
  }
  channel_ = grpc::CreateCustomChannel(agones::plugin::to_grpc_target(address.target), credentials, arguments);
}

HealthAnswer Replica::ask_for_health(Millis patience) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  const grpc::Slice question(kProcessorsHealth);
  const auto call = stub.PrepareUnaryCall(&context, kHealthCheck, grpc::ByteBuffer(&question, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool good = false;
  queue.Next(&tag, &good);
  queue.Shutdown();
  if (status.ok()) {
    grpc::Slice bytes;
    const bool serving = answer.DumpToSingleSlice(&bytes).ok() &&
                         std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size()) == kServing;
    return {serving ? Health::kServing : Health::kNotServing, {}};
  }
  if (const std::string http = agones::plugin::http_status_in(status.error_message()); !http.empty()) {
    return {Health::kNoGrpc, http};
  }
  const bool other_service =
      status.error_code() == grpc::StatusCode::UNIMPLEMENTED || status.error_code() == grpc::StatusCode::NOT_FOUND;
  return {other_service ? Health::kUnknownService : Health::kFailed, words_of(status)};
}

Replica::Pulls Replica::count_pulls(const std::string& client_id, unsigned count, Millis patience) const {
  Conversation conversation(channel_, client_id, patience);
  const Clock::time_point start = Clock::now();
  Pulls pulls;
  ProcessorMessage message;
  while (pulls.times.size() < count && conversation.read(message)) {
    if (message.has_pull()) {
      pulls.times.push_back(Clock::now() - start);
    }
  }
  if (pulls.times.size() == count) {
    conversation.end();
    return pulls;
  }
  const grpc::Status status = conversation.status();
  pulls.code = status.error_code();
  pulls.problem = words_of(status);
  return pulls;
}

Replica::Answer Replica::ask(const std::string& client_id, const allocation::BatchRequest& batch,
                             Millis patience) const {
  Conversation conversation(channel_, client_id, patience);
  const Clock::time_point start = Clock::now();
  ProcessorMessage message;
  message.set_client_id(client_id);
  *message.mutable_batch_request() = batch;
  conversation.write(message);
  Answer answer;
  while (conversation.read(message)) {
    if (message.has_batch_response() && message.batch_response().batch_id() == batch.batch_id()) {
      answer.response = message.batch_response();
      answer.time = Clock::now() - start;
      conversation.end();
      return answer;
    }
  }
  answer.problem = words_of(conversation.status());
  return answer;
}

}  // namespace check
