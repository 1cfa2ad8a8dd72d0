// SPDX-License-Identifier: Apache-2.0
// A processor that says what the test wants, byte by byte.
#pragma once

#include <allocation/processor.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace agones::test {

class RawProcessor final : private allocation::Processor::Service {
 public:
  // The bytes of the allocation.BatchResponse for a batch; called on the stream's thread.
  using Answer = std::function<std::string(const allocation::BatchRequest&)>;

  struct Options {
    bool health_service = true;
    bool implemented = true;  // StreamBatches
    std::string listen = "127.0.0.1:0";
    bool gzip = false;  // pack what is sent, whatever the client takes
  };

  RawProcessor(const Options& options, Answer answer);
  ~RawProcessor() override;

  const std::string& address() const { return address_; }
  int streams() const { return streams_.load(); }
  // Streams that have ended, because the client said that it writes no more, or cancelled them.
  int ended_by_client() const { return ended_by_client_.load(); }
  int cancelled() const { return cancelled_.load(); }
  // What the streams called this processor.
  std::set<std::string> authorities() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return authorities_;
  }

 private:
  grpc::Status StreamBatches(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<allocation::ProcessorMessage, allocation::ProcessorMessage>* stream) override;

  const Options options_;
  const Answer answer_;
  std::string address_;
  std::atomic<int> streams_{0};
  std::atomic<int> ended_by_client_{0};
  std::atomic<int> cancelled_{0};
  mutable std::mutex mutex_;
  std::set<std::string> authorities_;
  std::unique_ptr<grpc::Server> server_;
};

// What the processor would answer.
std::string good_answer(const allocation::BatchRequest& batch);

}  // namespace agones::test
