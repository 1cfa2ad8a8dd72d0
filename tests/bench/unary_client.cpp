// SPDX-License-Identifier: Apache-2.0
#include "bench/unary_client.h"

#include <stdexcept>

namespace agones::test {

UnaryClient::UnaryClient(const std::string& address)
    : stub_(allocation::AllocationService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

UnaryClient::~UnaryClient() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    delete static_cast<Call*>(tag);
  }
}

void UnaryClient::start() {
  auto call = std::make_unique<Call>();
  allocation::AllocationRequest request;
  fill(request);
  call->reader = stub_->AsyncAllocate(&call->context, request, &queue_);
  Call* tag = call.release();
  tag->reader->Finish(&tag->response, &tag->status, tag);
}

std::unique_ptr<UnaryClient::Call> UnaryClient::next(std::chrono::system_clock::time_point until) {
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) {
    return nullptr;
  }
  std::unique_ptr<Call> call(static_cast<Call*>(tag));
  if (!call->status.ok()) {
    throw std::runtime_error(call->status.error_message());
  }
  return call;
}

}  // namespace agones::test
