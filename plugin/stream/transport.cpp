// SPDX-License-Identifier: Apache-2.0
#include "stream/transport.h"

#include "stream/address.h"
#include "stream/channel_factory.h"

#include <memory>

namespace agones::plugin {

namespace {

constexpr int kReceiveWindow = 4 << 20;
// The least that gRPC takes. The link tries again by a backoff of its own, with a new channel; gRPC keeps its threads as long
// as a channel that failed would have waited.
constexpr int kReconnectBackoffMs = 100;

}  // namespace

Result check_pem_files(const TransportConfig& config) {
  PemTexts pems;
  return config.plaintext ? Result() : read_pems(config.ca, config.certificate, config.key, pems);
}

Result make_channel(const TransportConfig& config, const std::string& target, const std::string& host,
                    const std::string& authority, milliseconds keepalive_time,
                    std::shared_ptr<grpc::Channel>& channel) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  grpc::ChannelArguments arguments;
  if (config.plaintext) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    // Read for every channel, so that the next connection uses a rotated file.
    PemTexts pems;
    PROC_TRY(read_pems(config.ca, config.certificate, config.key, pems));
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = pems.ca;
    options.pem_cert_chain = pems.certificate;
    options.pem_private_key = pems.key;
    credentials = grpc::SslCredentials(options);
    arguments.SetSslTargetNameOverride(config.expected_name(host));
  }
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(keepalive_time.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(config.keepalive_timeout.count()));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // No probes of the bandwidth, a ping for every pull; a window as large as what a batch of answers may need instead.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kReceiveWindow);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(config.connect_timeout.count()));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectBackoffMs);
  // A connection of its own, which ends with the channel: the link reconnects by making a new one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // max_message_bytes bounds what a message is, not what it was packed to: nothing packed is taken.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // Nothing is ever sent twice behind the engine's back.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  channel = grpc::CreateCustomChannel(to_grpc_target(target), credentials, arguments);
  return {};
}

}  // namespace agones::plugin
