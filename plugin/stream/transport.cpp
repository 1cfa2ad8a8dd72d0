// SPDX-License-Identifier: Apache-2.0
#include "stream/transport.h"

#include "stream/channel_factory.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace agones::plugin {

namespace {

constexpr int kReceiveWindow = 4 << 20;

// Puts the PEM text into `pem`, or returns what is wrong.
std::string read_pem(const PemSource& source, const char* field, std::string& pem) {
  pem = source.text;
  if (source.file.empty()) {
    return {};
  }
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(source.file.c_str(), "re"), close);
  char buffer[4096];
  std::size_t got = 0;
  errno = 0;
  while (file != nullptr && (got = std::fread(buffer, 1, sizeof(buffer), file.get())) > 0) {
    pem.append(buffer, got);
  }
  if (file == nullptr || std::ferror(file.get()) != 0) {
    char text[128];
    return std::string(field) + ": cannot read '" + source.file + "': " + strerror_r(errno, text, sizeof(text));
  }
  if (pem.find("-----BEGIN ") == std::string::npos) {
    return std::string(field) + ": no PEM text in '" + source.file + "'";
  }
  return {};
}

struct Credentials {
  grpc::SslCredentialsOptions options;
  std::string problem;
};

Credentials read_credentials(const TransportConfig& config) {
  Credentials credentials;
  credentials.problem = read_pem(config.ca, "tls_ca", credentials.options.pem_root_certs);
  if (credentials.problem.empty()) {
    credentials.problem = read_pem(config.certificate, "tls_certificate", credentials.options.pem_cert_chain);
  }
  if (credentials.problem.empty()) {
    credentials.problem = read_pem(config.key, "tls_key", credentials.options.pem_private_key);
  }
  return credentials;
}

}  // namespace

std::string check_pem_files(const TransportConfig& config) {
  return config.plaintext ? std::string() : read_credentials(config).problem;
}

ChannelResult make_channel(const TransportConfig& config, const std::string& target, const std::string& host,
                           const std::string& authority) {
  ChannelResult result;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  grpc::ChannelArguments arguments;
  if (config.plaintext) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    // Read for every channel, so that the next connection uses a rotated file.
    const Credentials read = read_credentials(config);
    if (!read.problem.empty()) {
      result.problem = read.problem;
      return result;
    }
    credentials = grpc::SslCredentials(read.options);
    arguments.SetSslTargetNameOverride(config.server_name.empty() ? host : config.server_name);
  }
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(config.max_message_bytes));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(config.keepalive_time.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(config.keepalive_timeout.count()));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // No probes of the bandwidth, a ping for every pull; a window as large as what a batch of answers may need instead.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kReceiveWindow);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(config.connect_timeout.count()));
  // A connection of its own, which ends with the channel: the link reconnects by making a new one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Nothing is ever sent twice behind the engine's back.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  result.channel = grpc::CreateCustomChannel(target, credentials, arguments);
  return result;
}

}  // namespace agones::plugin
