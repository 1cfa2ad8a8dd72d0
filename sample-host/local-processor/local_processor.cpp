// SPDX-License-Identifier: Apache-2.0
#include "local-processor/local_processor.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "local-processor/stream_handler.h"

namespace agones::local {

namespace {

constexpr std::uint16_t kDefaultPort = 9090;
constexpr char kHealthService[] = "processor";

std::shared_ptr<grpc::ServerCredentials> credentials_of(const LocalProcessorOptions& options) {
  if (options.certificate_pem.empty()) {
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({options.key_pem, options.certificate_pem});
  if (!options.client_ca_pem.empty()) {
    tls.pem_root_certs = options.client_ca_pem;
    tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(tls);
}

}  // namespace

QueueTiming timing_like_agones() {
  QueueTiming timing;
  timing.batch_wait = std::chrono::milliseconds(50);
  timing.updates.per_second = 400;
  timing.updates.burst = 500;
  timing.updates.at_a_time = 100;
  timing.updates.each = std::chrono::milliseconds(5);
  return timing;
}

void BatchTimes::add(std::chrono::duration<double> time) {
  const auto* const limit = std::lower_bound(kLimits.begin(), kLimits.end(), time.count());
  ++counts[static_cast<std::size_t>(limit - kLimits.begin())];
  sum += time.count();
}

LocalProcessor::LocalProcessor(LocalProcessorOptions options, std::shared_ptr<Fleet> fleet)
    : options_(std::move(options)),
      address_(listen_address::parse(options_.address, kDefaultPort)),
      handler_(std::make_unique<StreamHandler>(options_, std::move(fleet))) {
  start_server();
  set_serving(options_.serving);
  puller_ = std::thread([this] { handler_->pull(options_.pull_interval); });
}

LocalProcessor::~LocalProcessor() {
  kill();
}

void LocalProcessor::start_server() {
  grpc::EnableDefaultHealthCheckService(options_.health_service);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address_.text(), credentials_of(options_), &port);
  builder.RegisterService(handler_.get());
  // The real processor's settings.
  builder.SetMaxReceiveMessageSize(4 << 20);
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  // Two processors on one port would share its clients at random.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    throw std::runtime_error("cannot listen on " + address_.text() + ": " + problem());
  }
  address_.port = static_cast<std::uint16_t>(port);
}

// gRPC says it to its log alone.
std::string LocalProcessor::problem() const {
  const std::string of_address = listen_address::problem_of(address_);
  if (!of_address.empty()) {
    return of_address;
  }
  return options_.certificate_pem.empty() ? "gRPC can't"
                                          : "certificate, key or client CA can't be used; each must be PEM, and the "
                                            "key that of the certificate";
}

std::string LocalProcessor::address() const {
  return address_.text();
}

void LocalProcessor::set_serving(bool serving) {
  handler_->set_serving(serving);
  if (options_.health_service) {
    server_->GetHealthCheckService()->SetServingStatus(kHealthService, serving);
  }
}

bool LocalProcessor::serving() const {
  return handler_->serving();
}

void LocalProcessor::set_faults(const Faults& faults) {
  handler_->set_faults(faults);
}

Faults LocalProcessor::faults() const {
  return handler_->faults();
}

std::optional<UpdateTiming> LocalProcessor::updates() const {
  return handler_->updates();
}

void LocalProcessor::set_updates(const UpdateTiming& timing) {
  handler_->set_updates(timing);
}

void LocalProcessor::kill() {
  if (!handler_->stop()) {
    return;
  }
  // Without waiting for calls to end by themselves.
  server_->Shutdown(std::chrono::system_clock::now());
  puller_.join();
  server_->Wait();
}

ProcessorCounts LocalProcessor::counts() const {
  return handler_->counts();
}

std::vector<LedgerEntry> LocalProcessor::ledger() const {
  return handler_->ledger();
}

}  // namespace agones::local
