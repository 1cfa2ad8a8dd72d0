// SPDX-License-Identifier: Apache-2.0
// The processor's stream with nothing around it.
#pragma once

#include <allocation/processor.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace agones::test {

class BareStream {
 public:
  static constexpr char kClientId[] = "bare";

  // Connects and registers.
  explicit BareStream(const std::string& address)
      : stub_(allocation::Processor::NewStub(
            grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments()))),
        stream_(stub_->StreamBatches(&context_)) {
    allocation::ProcessorMessage registration;
    registration.set_client_id(kClientId);
    stream_->Write(registration);
  }
  ~BareStream() { context_.TryCancel(); }
  BareStream(const BareStream&) = delete;
  BareStream& operator=(const BareStream&) = delete;

  auto* operator->() { return stream_.get(); }

 private:
  static grpc::ChannelArguments arguments() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 << 20);
    return arguments;
  }

  std::unique_ptr<allocation::Processor::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<allocation::ProcessorMessage, allocation::ProcessorMessage>> stream_;
};

}  // namespace agones::test
