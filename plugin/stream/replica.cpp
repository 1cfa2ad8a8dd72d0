// SPDX-License-Identifier: Apache-2.0
#include "stream/replica.h"

#include <chrono>

#include <grpc/health/v1/health.pb.h>

#include "stream/channel_factory.h"

namespace agones::plugin {

namespace {

constexpr char kHealthWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kHealthService[] = "processor";

std::string health_request() {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(kHealthService);
  return request.SerializeAsString();
}

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Replica::Replica(Address address, const TransportConfig& transport, const Backoff::Config& backoff, std::uint32_t seed,
                 grpc::CompletionQueue& queue, Graveyard& graveyard)
    : address_(std::move(address)),
      transport_(transport),
      backoff_(backoff, seed),
      queue_(queue),
      graveyard_(graveyard) {}

Replica::~Replica() {
  disconnect();
}

void Replica::disconnect() {
  graveyard_.add(std::move(health_));
  graveyard_.add(std::move(channel_));
}

TimePoint Replica::manage(TimePoint now) {
  if (state_ == State::kBackingOff && now >= wake_) {
    connect(now);
  }
  if (state_ == State::kConnecting && now >= wake_) {
    back_off(
        address_.target + ": no health status within " + std::to_string(transport_.connect_timeout.count()) + " ms",
        now);
  }
  if (health_ != nullptr && !asked_ && health_->can_write()) {
    health_->write_last(health_request());
    asked_ = true;
  }
  return state_ == State::kConnecting || state_ == State::kBackingOff ? wake_ : TimePoint::max();
}

void Replica::connect(TimePoint now) {
  ChannelResult made = make_channel(transport_, address_.target, address_.host, address_.authority);
  if (made.channel == nullptr) {
    back_off(made.problem, now);
    return;
  }
  channel_ = std::move(made.channel);
  asked_ = false;
  state_ = State::kConnecting;
  wake_ = now + transport_.connect_timeout;
  health_ = std::make_unique<BidiCall>(channel_, kHealthWatch, queue_, *this);
}

void Replica::on_message(std::string bytes) {
  grpc::health::v1::HealthCheckResponse response;
  if (!response.ParseFromString(bytes)) {
    back_off(address_.target + ": malformed health status", clock_now());
    return;
  }
  backoff_.reset();
  const bool serving = response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  state_ = serving ? State::kServing : State::kStandby;
  reason_ = serving ? "" : address_.target + " is not serving (standby)";
}

void Replica::on_closed(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    // No health service: nothing tells a standby but missing pulls.
    graveyard_.add(std::move(health_));
    backoff_.reset();
    state_ = State::kServing;
    return;
  }
  const std::string text = status.error_message().empty() ? "the connection was closed" : status.error_message();
  back_off(address_.target + ": " + text, clock_now());
}

void Replica::back_off(std::string reason, TimePoint now) {
  disconnect();
  reason_ = std::move(reason);
  failure_ = reason_;
  state_ = State::kBackingOff;
  wake_ = now + backoff_.next();
}

}  // namespace agones::plugin
