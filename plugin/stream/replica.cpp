// SPDX-License-Identifier: Apache-2.0
#include "stream/replica.h"

#include <chrono>

#include <grpc/health/v1/health.pb.h>

#include "stream/channel_factory.h"
#include "stream/grpc_runtime.h"
#include "stream/http_status.h"
#include "text/utf8.h"

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
      keepalive_(transport.keepalive_time),
      queue_(queue),
      graveyard_(graveyard) {}

Replica::~Replica() {
  disconnect();
}

void Replica::disconnect() {
  graveyard_.add(std::move(health_));
  graveyard_.add(std::move(held_));
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
  std::shared_ptr<grpc::Channel> channel;
  if (Result made =
          make_channel(transport_, address_.target, address_.host, address_.authority, keepalive_.time(), channel);
      !made.ok()) {
    back_off(std::move(made.text), now);
    return;
  }
  held_ = std::make_unique<HeldChannel>(std::move(channel));
  health_ = std::make_unique<BidiCall>(held_->channel, kHealthWatch, queue_, *this);
  asked_ = false;
  state_ = State::kConnecting;
  wake_ = now + transport_.connect_timeout;
}

void Replica::on_message(std::string bytes) {
  grpc::health::v1::HealthCheckResponse response;
  if (!response.ParseFromString(bytes)) {
    back_off(address_.target + ": malformed health status", clock_now());
    return;
  }
  if (!useless_) {
    backoff_.reset();
  }
  const bool serving = response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  state_ = serving ? State::kServing : State::kStandby;
  reason_ = serving ? "" : address_.target + " is not serving (standby)";
}

void Replica::on_closed(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    // No health service, but a connection. Nothing tells a standby but missing pulls, nor a lost connection but a lost
    // stream.
    graveyard_.add(std::move(health_));
    state_ = State::kServing;
    return;
  }
  std::string text = status.error_message().empty() ? "the connection was closed" : to_line(status.error_message());
  if (const std::string http = http_status_in(text); !http.empty()) {
    text += " (this is no processor: it answers with HTTP status " + http + ", not with gRPC)";
  }
  if (!transport_.plaintext) {
    const std::string refused = pop_certificate_problem(transport_.expected_name(address_.host));
    text += refused.empty() ? "" : " (its certificate: " + refused + ")";
  }
  if (pop_too_many_pings(address_.target)) {
    keepalive_.too_many();
    text += " (too_many_pings: from now on it is pinged after " + std::to_string(keepalive_.time().count()) +
            " ms of silence)";
  }
  back_off(address_.target + ": " + text, clock_now());
}

void Replica::stream_failed(const std::string& reason, bool useless, TimePoint now) {
  // Who has no health service tells it by the stream alone.
  if (health_ == nullptr && pop_too_many_pings(address_.target)) {
    keepalive_.too_many();
  }
  last_stream_failure_ = now;
  useless_ = useless_ || useless;
  if (state_ == State::kServing && (useless || health_ == nullptr)) {
    // By its own rules and not by gRPC's, which waits up to two minutes.
    back_off(reason, now);
    failure_.reset();  // told as the stream's
  }
}

void Replica::pulled() {
  useless_ = false;
  backoff_.reset();
}

void Replica::back_off(std::string reason, TimePoint now) {
  disconnect();
  state_ = State::kBackingOff;
  wake_ = now + backoff_.next();
  reason_ = std::move(reason);
  failure_ = reason_;
}

}  // namespace agones::plugin
