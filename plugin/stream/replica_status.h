// SPDX-License-Identifier: Apache-2.0
// What is known of one replica of the processor. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/time.h"
#include "stream/address.h"

namespace agones::plugin {

struct ReplicaStatus {
  enum class State : std::uint8_t { kConnecting, kStandby, kServing, kBackingOff };

  explicit ReplicaStatus(Address its_address) : address(std::move(its_address)) {}

  bool serves() const { return state == State::kServing; }
  // Has failed, and nothing has been heard from it since.
  bool failing() const { return state == State::kBackingOff || (state == State::kConnecting && !reason.empty()); }

  const Address address;
  State state = State::kBackingOff;
  // Why the last attempt failed or does not serve; stays while the next attempt is under way.
  std::string reason;
  // kBackingOff: the next attempt. kConnecting: when this attempt is given up.
  TimePoint retry_at{};
  // When a stream on it last failed.
  TimePoint last_stream_failure{};
};

}  // namespace agones::plugin
