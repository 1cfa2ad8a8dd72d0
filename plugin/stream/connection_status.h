// SPDX-License-Identifier: Apache-2.0
// What the host is told of the connection, from what the link knows of its replicas and streams. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agones/processor.h"
#include "base/time.h"
#include "stream/replica_status.h"

namespace agones::plugin {

struct ConnectionStatus {
  proc_connection_state state = PROC_CONNECTION_CONNECTING;
  std::string reason;
  std::string address;
  std::uint32_t retry_after_ms = 0;
};

// The link's streams and look-ups.
struct StreamsStatus {
  std::string_view pulled_target;  // of a stream that works; empty: none does
  std::string_view open_target;    // of the stream that opened first; empty: there is none
  std::string_view last_target;    // of the last one that was lost
  std::string_view problem;        // why it was
  std::string_view resolution_problem;
  TimePoint next_resolution{};
};

// The replicas one after the other, counted and described.
class ReplicaSummary {
 public:
  void add(const ReplicaStatus& replica);
  ConnectionStatus connection(const StreamsStatus& streams, TimePoint now) const;

 private:
  ConnectionStatus backing_off(const StreamsStatus& streams, TimePoint now) const;
  std::string no_processor_serves() const;

  std::uint32_t replicas_ = 0;
  std::uint32_t serving_ = 0;
  std::uint32_t standbys_ = 0;
  std::uint32_t failing_ = 0;
  std::string reasons_;  // in the order of the replicas, so that they are the same whoever tries next
  TimePoint retry_at_ = TimePoint::max();
  std::string_view retried_;  // which is tried next
};

template <typename Replicas>
ConnectionStatus connection_status(const Replicas& replicas, const StreamsStatus& streams, TimePoint now) {
  ReplicaSummary summary;
  for (const auto& replica : replicas) {
    summary.add(replica->status());
  }
  return summary.connection(streams, now);
}

}  // namespace agones::plugin
