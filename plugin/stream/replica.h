// SPDX-License-Identifier: Apache-2.0
// One address of the processor: its connection and what its health service says. Connects by itself,
// backs off by itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "stream/backoff.h"
#include "stream/bidi_call.h"
#include "stream/graveyard.h"
#include "stream/resolver.h"
#include "stream/transport.h"

namespace agones::plugin {

class Replica : public BidiCall::Listener {
 public:
  enum class State : std::uint8_t { kConnecting, kStandby, kServing, kBackingOff };

  Replica(Address address, const TransportConfig& transport, const Backoff::Config& backoff, std::uint32_t seed,
          grpc::CompletionQueue& queue, Graveyard& graveyard);
  ~Replica() override;

  // Starts and gives up attempts. Returns when it wants to be called again.
  TimePoint manage(TimePoint now);
  State state() const { return state_; }
  const Address& address() const { return address_; }
  const std::string& reason() const { return reason_; }
  TimePoint retry_at() const { return wake_; }
  // The failure since the last call, if there was one.
  std::optional<std::string> take_failure() { return std::exchange(failure_, std::nullopt); }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // When a stream on this replica last failed; the one that failed longest ago is tried first.
  TimePoint last_stream_failure{};

 private:
  void on_message(std::string bytes) override;
  void on_closed(const grpc::Status& status) override;
  void connect(TimePoint now);
  void back_off(std::string reason, TimePoint now);
  void disconnect();

  const Address address_;
  const TransportConfig& transport_;
  Backoff backoff_;
  grpc::CompletionQueue& queue_;
  Graveyard& graveyard_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<BidiCall> health_;
  State state_ = State::kBackingOff;
  std::string reason_;
  std::optional<std::string> failure_;
  bool asked_ = false;
  // kBackingOff: the next attempt. kConnecting: when this attempt is given up.
  TimePoint wake_{};
};

}  // namespace agones::plugin
