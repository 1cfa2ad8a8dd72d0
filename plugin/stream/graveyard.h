// SPDX-License-Identifier: Apache-2.0
// What the link has given up and gRPC has not let go of yet. The completion queue must be polled until
// then: a channel that is destroyed while it connects would be left to its timeout, with gRPC's threads.
// Adding needs no memory, so that giving up can't fail.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "stream/bidi_call.h"

namespace agones::plugin {

struct HeldChannel {
  explicit HeldChannel(std::shared_ptr<grpc::Channel> its_channel) : channel(std::move(its_channel)) {}
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<HeldChannel> next_given_up;
};

class Graveyard {
 public:
  void add(std::unique_ptr<BidiCall> call) {
    if (call != nullptr) {
      call->abandon();
      push(std::move(call), calls_);
    }
  }
  void add(std::unique_ptr<HeldChannel> channel) {
    if (channel != nullptr) {
      // After a failed attempt gRPC keeps a timer of a second or more for the next one, and its threads with it: this
      // ends the wait.
      grpc::experimental::ChannelResetConnectionBackoff(channel->channel.get());
      push(std::move(channel), channels_);
    }
  }

  // Forgets what is over.
  void sweep() {
    sweep(calls_, [](const BidiCall& call) { return call.over(); });
    sweep(channels_, [](const HeldChannel& held) { return held.channel->GetState(false) != GRPC_CHANNEL_CONNECTING; });
  }
  bool empty() const { return calls_ == nullptr && channels_ == nullptr; }

 private:
  template <typename T>
  static void push(std::unique_ptr<T> item, std::unique_ptr<T>& list) {
    item->next_given_up = std::move(list);
    list = std::move(item);
  }
  template <typename T, typename Over>
  static void sweep(std::unique_ptr<T>& list, const Over& over) {
    for (std::unique_ptr<T>* place = &list; *place != nullptr;) {
      if (over(**place)) {
        *place = std::move((*place)->next_given_up);
      } else {
        place = &(*place)->next_given_up;
      }
    }
  }

  std::unique_ptr<HeldChannel> channels_;
  std::unique_ptr<BidiCall> calls_;
};

}  // namespace agones::plugin
