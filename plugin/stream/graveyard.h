// SPDX-License-Identifier: Apache-2.0
// What the link has given up and gRPC has not let go of yet. The completion queue must be polled until
// then: a channel that is destroyed while it connects would be left to its timeout, with gRPC's threads.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "stream/bidi_call.h"

namespace agones::plugin {

class Graveyard {
 public:
  void add(std::unique_ptr<BidiCall> call) {
    if (call != nullptr) {
      call->abandon();
      calls_.push_back(std::move(call));
    }
  }
  void add(std::shared_ptr<grpc::Channel> channel) {
    if (channel != nullptr) {
      channels_.push_back(std::move(channel));
    }
  }

  // Forgets what is over.
  void sweep() {
    calls_.erase(std::remove_if(calls_.begin(), calls_.end(), [](const auto& call) { return call->over(); }),
                 calls_.end());
    const auto settled = [](const auto& channel) { return channel->GetState(false) != GRPC_CHANNEL_CONNECTING; };
    channels_.erase(std::remove_if(channels_.begin(), channels_.end(), settled), channels_.end());
  }
  bool empty() const { return calls_.empty() && channels_.empty(); }

 private:
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<BidiCall>> calls_;
};

}  // namespace agones::plugin
