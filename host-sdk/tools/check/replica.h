// SPDX-License-Identifier: Apache-2.0
// One replica of the processor, spoken to as the plugin does.
#pragma once

#include <allocation/processor.pb.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "stream/address.h"

namespace check {

enum class Health { kServing, kNotServing, kUnknownService, kNoGrpc, kFailed };

struct HealthAnswer {
  Health health = Health::kFailed;
  std::string problem;  // of kFailed; of kNoGrpc the HTTP status
};

// What came over a stream, and when, since it was opened.
struct Received {
  std::chrono::steady_clock::duration time;
  allocation::ProcessorMessage message;
};

class Replica {
 public:
  using Millis = std::chrono::milliseconds;

  // `server_name`: expected in the certificate; empty without TLS.
  Replica(const agones::plugin::Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
          const std::string& server_name);

  HealthAnswer ask_for_health(Millis patience) const;

  // A conversation of its own: registers, waits for so many pulls, ends.
  struct Pulls {
    std::vector<std::chrono::steady_clock::duration> times;
    std::string problem;  // the stream ended
    int code = 0;
  };
  Pulls count_pulls(const std::string& client_id, unsigned count, Millis patience) const;

  // Registers, sends the batch, waits for its answer.
  struct Answer {
    allocation::BatchResponse response;
    std::string problem;  // there is none
    std::chrono::steady_clock::duration time{0};
  };
  Answer ask(const std::string& client_id, const allocation::BatchRequest& batch, Millis patience) const;

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace check
