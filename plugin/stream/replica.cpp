// SPDX-License-Identifier: Apache-2.0
#include "stream/replica.h"

#include <chrono>

#include "stream/channel_factory.h"
#include "stream/grpc_runtime.h"
#include "stream/http_status.h"
#include "text/utf8.h"
#include "wire/health.h"

namespace agones::plugin {

namespace {

constexpr char kHealthWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kHealthService[] = "processor";

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Replica::Replica(Address address, const TransportConfig& transport, const Backoff::Config& backoff, std::uint32_t seed,
                 grpc::CompletionQueue& queue, Graveyard& graveyard)
    : status_(std::move(address)),
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
  if (status_.state == State::kBackingOff && now >= status_.retry_at) {
    connect(now);
  }
  if (status_.state == State::kConnecting && now >= status_.retry_at) {
    back_off(status_.address.target + ": no health status within " +
                 std::to_string(transport_.connect_timeout.count()) + " ms",
             now);
  }
  if (health_ != nullptr && !asked_ && health_->can_write()) {
    health_->write_last(encode_health_request(kHealthService));
    asked_ = true;
  }
  return status_.state == State::kConnecting || status_.state == State::kBackingOff ? status_.retry_at
                                                                                    : TimePoint::max();
}

void Replica::connect(TimePoint now) {
  std::shared_ptr<grpc::Channel> channel;
  if (Result made = make_channel(transport_, status_.address.target, status_.address.host, status_.address.authority,
                                 keepalive_.time(), channel);
      !made.ok()) {
    back_off(std::move(made.text), now);
    return;
  }
  held_ = std::make_unique<HeldChannel>(std::move(channel));
  health_ = std::make_unique<BidiCall>(held_->channel, kHealthWatch, queue_, *this);
  asked_ = false;
  status_.state = State::kConnecting;
  status_.retry_at = now + transport_.connect_timeout;
}

void Replica::on_message(std::string bytes) {
  const std::optional<bool> serving = decode_serving(bytes);
  if (!serving) {
    back_off(status_.address.target + ": malformed health status", clock_now());
    return;
  }
  if (!useless_) {
    backoff_.reset();
  }
  status_.state = *serving ? State::kServing : State::kStandby;
  status_.reason = *serving ? "" : status_.address.target + " is not serving (standby)";
}

void Replica::on_closed(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    // No health service, but a connection. Nothing tells a standby but missing pulls, nor a lost connection but a lost
    // stream.
    graveyard_.add(std::move(health_));
    status_.state = State::kServing;
    return;
  }
  std::string text = status.error_message().empty() ? "the connection was closed" : to_line(status.error_message());
  if (const std::string http = http_status_in(text); !http.empty()) {
    text += " (this is no processor: it answers with HTTP status " + http + ", not with gRPC)";
  }
  if (!transport_.plaintext) {
    const std::string refused = pop_certificate_problem(transport_.expected_name(status_.address.host));
    text += refused.empty() ? "" : " (its certificate: " + refused + ")";
  }
  if (pop_too_many_pings(status_.address.target)) {
    keepalive_.too_many();
    text += " (too_many_pings: from now on it is pinged after " + std::to_string(keepalive_.time().count()) +
            " ms of silence)";
  }
  back_off(status_.address.target + ": " + text, clock_now());
}

void Replica::stream_failed(const std::string& reason, bool useless, TimePoint now) {
  // Who has no health service tells it by the stream alone.
  if (health_ == nullptr && pop_too_many_pings(status_.address.target)) {
    keepalive_.too_many();
  }
  status_.last_stream_failure = now;
  useless_ = useless_ || useless;
  if (status_.state == State::kServing && (useless || health_ == nullptr)) {
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
  status_.state = State::kBackingOff;
  status_.retry_at = now + backoff_.next();
  status_.reason = std::move(reason);
  failure_ = status_.reason;
}

}  // namespace agones::plugin
