// SPDX-License-Identifier: Apache-2.0
#include "support/raw_processor.h"

#include <grpcpp/health_check_service_interface.h>

#include <stdexcept>
#include <utility>

namespace agones::test {

namespace {

constexpr int kBatchResponse = 4;  // field of allocation.ProcessorMessage

}  // namespace

RawProcessor::RawProcessor(const Options& options, Answer answer) : options_(options), answer_(std::move(answer)) {
  grpc::EnableDefaultHealthCheckService(options.health_service);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  builder.SetMaxSendMessageSize(-1);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    throw std::runtime_error("cannot listen");
  }
  if (options.health_service) {
    server_->GetHealthCheckService()->SetServingStatus("processor", true);
  }
  address_ = options.listen.substr(0, options.listen.rfind(':') + 1) + std::to_string(port);
}

RawProcessor::~RawProcessor() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

grpc::Status RawProcessor::StreamBatches(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<allocation::ProcessorMessage, allocation::ProcessorMessage>* stream) {
  ++streams_;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const grpc::string_ref authority = context->ExperimentalGetAuthority();
    authorities_.emplace(authority.data(), authority.size());
  }
  if (!options_.implemented) {
    return {grpc::StatusCode::UNIMPLEMENTED, "no\nsuch \x1b[31mthing"};
  }
  if (options_.gzip) {
    context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
  }
  allocation::ProcessorMessage message;
  stream->Read(&message);
  allocation::ProcessorMessage pull;
  pull.mutable_pull();
  stream->Write(pull);
  while (stream->Read(&message)) {
    if (message.has_batch_request()) {
      allocation::ProcessorMessage answer;
      answer.GetReflection()
          ->MutableUnknownFields(&answer)
          ->AddLengthDelimited(kBatchResponse)
          ->assign(answer_(message.batch_request()));
      stream->Write(answer);
    }
    stream->Write(pull);
  }
  ++(context->IsCancelled() ? cancelled_ : ended_by_client_);
  return grpc::Status::OK;
}

std::string good_answer(const allocation::BatchRequest& batch) {
  allocation::BatchResponse answer;
  answer.set_batch_id(batch.batch_id());
  for (const auto& wrapper : batch.requests()) {
    auto* response = answer.add_responses();
    response->set_request_id(wrapper.request_id());
    response->mutable_response()->set_gameservername("gs-" + wrapper.request_id());
  }
  return answer.SerializeAsString();
}

}  // namespace agones::test
