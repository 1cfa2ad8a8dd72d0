// SPDX-License-Identifier: Apache-2.0
#include "behaviour/staged_processor.h"

#include <grpcpp/health_check_service_interface.h>

#include "support/wait.h"

namespace agones::test {

StagedProcessor::StagedProcessor(const std::string& address, bool serving) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
  set_serving(serving);
}

StagedProcessor::~StagedProcessor() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void StagedProcessor::set_serving(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus("processor", serving);
}

grpc::Status StagedProcessor::StreamBatches(grpc::ServerContext*, Stream* stream) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stream_ = stream;
  }
  allocation::ProcessorMessage message;
  while (stream->Read(&message)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    messages_.push_back(message);
    changed_.notify_all();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  stream_ = nullptr;
  return grpc::Status::OK;
}

std::optional<allocation::ProcessorMessage> StagedProcessor::next_message() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return !messages_.empty(); })) {
    return std::nullopt;
  }
  auto message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

bool StagedProcessor::has_message() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !messages_.empty();
}

bool StagedProcessor::send(const allocation::ProcessorMessage& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stream_ != nullptr && stream_->Write(message);
}

}  // namespace agones::test
