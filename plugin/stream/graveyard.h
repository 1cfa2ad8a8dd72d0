// SPDX-License-Identifier: Apache-2.0
// What the link has given up and gRPC, or the processor, has not let go of yet. The completion queue must be polled until
// then: a channel that is destroyed while it connects would be left to its timeout, with gRPC's threads.
// Adding needs no memory, so that giving up can't fail.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
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
  // Cancelled.
  void add(std::unique_ptr<BidiCall> call) {
    if (call != nullptr) {
      call->cancel();
      push(std::move(call), calls_);
    }
  }
  // Ended in a way that the processor takes for the usual one; cancelled if it has not ended by then.
  void add(std::unique_ptr<BidiCall> call, TimePoint cancel_at) {
    if (call != nullptr) {
      call->end(cancel_at);
      push(std::move(call), calls_);
    }
  }
  void add(std::unique_ptr<HeldChannel> channel) {
    if (channel != nullptr) {
      push(std::move(channel), channels_);
    }
  }

  // Forgets what is over, cancels what is due. Returns when the next one is.
  TimePoint sweep(TimePoint now) {
    TimePoint next = TimePoint::max();
    sweep(calls_, [&](BidiCall& call) {
      next = std::min(next, call.cancel_if_due(now));
      return call.over();
    });
    sweep(channels_, [](const HeldChannel& held) { return held.channel->GetState(false) != GRPC_CHANNEL_CONNECTING; });
    return channels_ == nullptr ? next : std::min(next, now + kChannelInterval);
  }
  bool has_calls() const { return calls_ != nullptr; }
  bool empty() const { return calls_ == nullptr && channels_ == nullptr; }

 private:
  // How often it is looked whether a channel still connects: nobody is told, and after a moment it would connect again.
  static constexpr Duration kChannelInterval = milliseconds(20);

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
