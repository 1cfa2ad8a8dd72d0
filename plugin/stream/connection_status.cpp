// SPDX-License-Identifier: Apache-2.0
#include "stream/connection_status.h"

#include <algorithm>

namespace agones::plugin {

namespace {

constexpr std::uint32_t kMostReasons = 3;

}  // namespace

void ReplicaSummary::add(const ReplicaStatus& replica) {
  ++replicas_;
  serving_ += replica.serves() ? 1 : 0;
  standbys_ += replica.state == ReplicaStatus::State::kStandby ? 1 : 0;
  failing_ += replica.failing() ? 1 : 0;
  if (!replica.failing()) {
    return;
  }
  // Told only if all of them fail.
  if (failing_ == replicas_ && replicas_ <= kMostReasons) {
    reasons_ += (replicas_ == 1 ? "" : "; ") + replica.reason;
  }
  if (replica.state == ReplicaStatus::State::kBackingOff && replica.retry_at < retry_at_) {
    retry_at_ = replica.retry_at;
    retried_ = replica.address.target;
  }
}

ConnectionStatus ReplicaSummary::connection(const StreamsStatus& streams, TimePoint now) const {
  ConnectionStatus status;
  if (!streams.pulled_target.empty()) {
    status.state = PROC_CONNECTION_SERVING;
    status.address = streams.pulled_target;
  } else if (!streams.open_target.empty() || serving_ != 0) {
    status.reason = streams.problem.empty() ? "waiting for the first pull" : streams.problem;
    status.address = streams.open_target.empty() ? streams.last_target : streams.open_target;
  } else if (standbys_ != 0) {
    status.state = PROC_CONNECTION_STANDBY;
    status.reason = no_processor_serves();
  } else if (replicas_ == 0 ? !streams.resolution_problem.empty() : failing_ == replicas_) {
    status = backing_off(streams, now);
  } else {
    status.reason = replicas_ == 0 ? streams.problem : std::string_view();
  }
  return status;
}

std::string ReplicaSummary::no_processor_serves() const {
  return "no processor is serving: " + std::to_string(standbys_) + (standbys_ == 1 ? " standby" : " standbys") +
         (failing_ == 0 ? std::string() : ", and " + std::to_string(failing_) + " that can't be reached");
}

ConnectionStatus ReplicaSummary::backing_off(const StreamsStatus& streams, TimePoint now) const {
  ConnectionStatus status;
  status.state = PROC_CONNECTION_BACKING_OFF;
  status.reason = replicas_ == 0 ? std::string(streams.resolution_problem) : reasons_;
  if (replicas_ > kMostReasons) {
    status.reason += "; and " + std::to_string(replicas_ - kMostReasons) + " more";
  }
  status.address = retried_;
  const TimePoint retry = replicas_ == 0 ? streams.next_resolution : retry_at_;
  if (retry != TimePoint::max()) {
    const auto wait = std::chrono::ceil<milliseconds>(std::max(retry - now, Duration::zero()));
    status.retry_after_ms = static_cast<std::uint32_t>(wait.count());
  }
  return status;
}

}  // namespace agones::plugin
