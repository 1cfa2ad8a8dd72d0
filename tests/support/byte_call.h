// SPDX-License-Identifier: Apache-2.0
// A gRPC call of any method, in bytes, one step after the other. Each step waits until it is done, or the call has ended.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

namespace agones::test {

class ByteCall {
 public:
  // Plaintext. The call ends by itself after kPatience.
  ByteCall(const std::string& address, const std::string& method);
  ~ByteCall();
  ByteCall(const ByteCall&) = delete;
  ByteCall& operator=(const ByteCall&) = delete;

  bool write(const std::string& message);
  bool half_close();
  // Nothing: the call has ended.
  std::optional<std::string> read();
  void cancel() { context_.TryCancel(); }
  // Once; reads what is still to come.
  grpc::Status finish();

 private:
  bool step();

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool finished_ = false;
};

}  // namespace agones::test
