// SPDX-License-Identifier: Apache-2.0
#include "support/byte_call.h"

#include "support/wait.h"

namespace agones::test {

ByteCall::ByteCall(const std::string& address, const std::string& method)
    : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())), stub_(channel_) {
  context_.set_deadline(std::chrono::system_clock::now() + kPatience);
  call_ = stub_.PrepareCall(&context_, method, &queue_);
  call_->StartCall(nullptr);
  step();
}

ByteCall::~ByteCall() {
  if (!finished_) {
    cancel();
    finish();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool good = false;
  while (queue_.Next(&tag, &good)) {
  }
}

bool ByteCall::step() {
  void* tag = nullptr;
  bool good = false;
  return queue_.Next(&tag, &good) && good;
}

bool ByteCall::write(const std::string& message) {
  const grpc::Slice slice(message);
  call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  return step();
}

bool ByteCall::half_close() {
  call_->WritesDone(nullptr);
  return step();
}

std::optional<std::string> ByteCall::read() {
  grpc::ByteBuffer message;
  call_->Read(&message, nullptr);
  grpc::Slice whole;
  if (!step() || !message.DumpToSingleSlice(&whole).ok()) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
}

grpc::Status ByteCall::finish() {
  while (read()) {
  }
  grpc::Status status;
  call_->Finish(&status, nullptr);
  step();
  finished_ = true;
  return status;
}

}  // namespace agones::test
