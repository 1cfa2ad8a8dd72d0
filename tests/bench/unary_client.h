// SPDX-License-Identifier: Apache-2.0
// What hosts do without a processor: one AllocationService.Allocate call for each game server, asynchronous, all on one
// channel and one completion queue.
#pragma once

#include <allocation/allocation_service.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "bench/measure.h"

namespace agones::test {

class UnaryClient {
 public:
  struct Call {
    grpc::ClientContext context;
    allocation::AllocationResponse response;
    grpc::Status status;
    Clock::time_point start = Clock::now();
    std::unique_ptr<grpc::ClientAsyncResponseReader<allocation::AllocationResponse>> reader;
  };

  explicit UnaryClient(const std::string& address);
  ~UnaryClient();
  UnaryClient(const UnaryClient&) = delete;
  UnaryClient& operator=(const UnaryClient&) = delete;

  void start();
  // The next call that ended, or nothing when the time has come. Throws if a call failed.
  std::unique_ptr<Call> next(std::chrono::system_clock::time_point until);

 private:
  grpc::CompletionQueue queue_;
  std::unique_ptr<allocation::AllocationService::Stub> stub_;
};

}  // namespace agones::test
