// SPDX-License-Identifier: Apache-2.0
// One address of the processor: its connection and what its health service says. Connects by itself,
// backs off by itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "stream/address.h"
#include "stream/backoff.h"
#include "stream/bidi_call.h"
#include "stream/graveyard.h"
#include "stream/keepalive.h"
#include "stream/replica_status.h"
#include "stream/transport.h"

namespace agones::plugin {

class Replica : public BidiCall::Listener {
 public:
  using State = ReplicaStatus::State;

  Replica(Address address, const TransportConfig& transport, const Backoff::Config& backoff, std::uint32_t seed,
          grpc::CompletionQueue& queue, Graveyard& graveyard);
  ~Replica() override;

  // Starts and gives up attempts. Returns when it wants to be called again.
  TimePoint manage(TimePoint now);
  const ReplicaStatus& status() const { return status_; }
  // The failure since the last call, if there was one.
  std::optional<std::string> pop_failure() { return std::exchange(failure_, std::nullopt); }
  const std::shared_ptr<grpc::Channel>& channel() const { return held_->channel; }

  // A stream on it was lost. `useless`: so would be the next one.
  void stream_failed(const std::string& reason, bool useless, TimePoint now);
  // A stream on it is pulled: it is what it is taken for.
  void pulled();

 private:
  void on_message(std::string bytes) override;
  void on_closed(const grpc::Status& status) override;
  void connect(TimePoint now);
  void back_off(std::string reason, TimePoint now);
  void disconnect();

  ReplicaStatus status_;
  const TransportConfig& transport_;
  Backoff backoff_;
  Keepalive keepalive_;
  grpc::CompletionQueue& queue_;
  Graveyard& graveyard_;
  std::unique_ptr<HeldChannel> held_;
  // Null while there is a connection: the processor has no health service.
  std::unique_ptr<BidiCall> health_;
  bool useless_ = false;
  std::optional<std::string> failure_;
  bool asked_ = false;
};

}  // namespace agones::plugin
