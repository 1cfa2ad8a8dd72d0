// SPDX-License-Identifier: Apache-2.0
// A processor that does what it is told, step by step, from the test's thread.
#pragma once

#include <allocation/processor.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace agones::test {

class StagedProcessor final : private allocation::Processor::Service {
 public:
  explicit StagedProcessor(const std::string& address = "127.0.0.1:0", bool serving = true);
  ~StagedProcessor() override;

  const std::string& address() const { return address_; }
  void set_serving(bool serving);

  // The next message of the stream that is open; nothing after kPatience.
  std::optional<allocation::ProcessorMessage> next_message();
  // Whether there is one at once.
  bool has_message();
  // On the stream that is open.
  bool send(const allocation::ProcessorMessage& message);

 private:
  using Stream = grpc::ServerReaderWriter<allocation::ProcessorMessage, allocation::ProcessorMessage>;

  grpc::Status StreamBatches(grpc::ServerContext* context, Stream* stream) override;

  std::string address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<allocation::ProcessorMessage> messages_;
  Stream* stream_ = nullptr;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace agones::test
