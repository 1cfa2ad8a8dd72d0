// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <allocation/processor.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <mutex>

namespace agones::local {

using Stream = grpc::ServerReaderWriter<allocation::ProcessorMessage, allocation::ProcessorMessage>;

// One client that has registered. Pulls and answers are written by two threads, one at a time.
class RegisteredStream {
 public:
  RegisteredStream(grpc::ServerContext& context, Stream& stream) : stream_(&stream), context_(&context) {}

  // Waits while the client does not read.
  bool write(const allocation::ProcessorMessage& message) {
    const std::lock_guard<std::mutex> lock(writing_);
    return stream_ != nullptr && stream_->Write(message);
  }
  void pull(const allocation::ProcessorMessage& message) {
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

}  // namespace agones::local
