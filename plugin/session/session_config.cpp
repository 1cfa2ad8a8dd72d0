// SPDX-License-Identifier: Apache-2.0
#include "session/session_config.h"

#include <cstdio>
#include <random>

#include "contract/config_fields.h"
#include "platform/notify_fd.h"
#include "wire/message.h"

namespace agones::plugin {

namespace {

std::string to_string(const proc_text& text) {
  return {text.data, text.size};
}

Result read_transport(const proc_config& raw, TransportConfig& transport) {
  transport.ca = {to_string(raw.tls_ca_file), to_string(raw.tls_ca_pem)};
  transport.certificate = {to_string(raw.tls_certificate_file), to_string(raw.tls_certificate_pem)};
  transport.key = {to_string(raw.tls_key_file), to_string(raw.tls_key_pem)};
  transport.server_name = to_string(raw.tls_server_name);
  transport.plaintext = raw.transport == PROC_TRANSPORT_PLAINTEXT;
  const struct {
    const char* name;
    const PemSource& source;
  } sources[] = {{"tls_ca", transport.ca}, {"tls_certificate", transport.certificate}, {"tls_key", transport.key}};
  for (const auto& [name, source] : sources) {
    if (transport.plaintext && source.given()) {
      return invalid(std::string(name) + ": given, but transport is PLAINTEXT");
    }
    if (!source.file.empty() && !source.text.empty()) {
      return invalid(std::string(name) + ": both a file and a text are given");
    }
  }
  if (transport.certificate.given() != transport.key.given()) {
    return invalid(std::string(transport.key.given() ? "tls_certificate" : "tls_key") +
                   ": missing; certificate and key go together");
  }
  transport.keepalive_time = milliseconds(raw.keepalive_time_ms);
  transport.keepalive_timeout = milliseconds(raw.keepalive_timeout_ms);
  transport.connect_timeout = milliseconds(raw.connect_timeout_ms);
  transport.max_message_bytes = raw.max_message_bytes;
  return check_pem_files(transport);
}

// So that no two clients, of one process or of many, ever register under the same id.
std::string unique_client_id(const std::string& name, std::random_device& random) {
  char suffix[24];
  std::snprintf(suffix, sizeof(suffix), "%08x%08x", random(), random());
  return (name.empty() ? "processor-plugin" : name) + "-" + suffix;
}

}  // namespace

Result read_config(const proc_config& raw, SessionConfig& config) {
  PROC_TRY(check_config(raw));
  const std::string client_id = to_string(raw.client_id);
  if (client_id.size() > 256) {
    return invalid("client_id: longer than 256 bytes");
  }
  const std::string address = to_string(raw.processor_address);
  if (address.empty()) {
    return invalid("processor_address: missing");
  }
  PROC_TRY(in("processor_address", parse_endpoints(address, config.link.endpoints)));
  PROC_TRY(read_transport(raw, config.link.transport));
  PROC_TRY(in("notify_fd", NotifyFd::check(raw.notify_fd)));

  std::random_device random;
  config.link.client_id = unique_client_id(client_id, random);
  config.link.backoff = {milliseconds(raw.reconnect_initial_ms), milliseconds(raw.reconnect_max_ms),
                         raw.reconnect_jitter_percent};
  config.link.pull_timeout = milliseconds(raw.pull_timeout_ms);
  config.link.answer_timeout = milliseconds(raw.answer_timeout_ms);
  config.link.seed = random();
  config.engine.max_batch_size = raw.max_batch_size != 0 ? raw.max_batch_size : most_of(config_number::max_batch_size);
  config.engine.fixed_batches = raw.fixed_batches != 0;
  config.engine.max_streams = raw.max_streams;
  config.engine.max_batch_bytes = raw.max_batch_bytes;
  config.engine.max_unanswered_batches = raw.max_unanswered_batches;
  config.engine.max_message_bytes = raw.max_message_bytes;
  config.engine.max_unpolled_bytes = raw.max_unpolled_bytes;
  config.engine.batches_per_pull = raw.batches_per_pull;
  config.engine.fail_fast = raw.fail_fast != 0;
  config.engine.resend = raw.resend_may_allocate_twice != 0;
  config.max_pending_requests = raw.max_pending_requests;
  // The client id grows by the stream's number, at most 20 digits and a dot.
  const std::size_t fixed =
      BatchEncoder::kMessageOverhead + BatchEncoder::kRequestOverhead + config.link.client_id.size() + 21;
  config.max_request_bytes = raw.max_batch_bytes - fixed;
  config.allocation_timeout = milliseconds(raw.allocation_timeout_ms);
  config.first_request_id = raw.first_request_id != 0 ? raw.first_request_id : 1;
  config.ignore_unknown_fields = raw.unknown_fields == PROC_UNKNOWN_FIELDS_IGNORE;
  config.notify_fd = raw.notify_fd;
  config.log_summary = milliseconds(raw.log_summary_ms);
  config.log_level = raw.log_level;
  config.on_event = raw.on_event;
  config.event_context = raw.event_context;
  config.on_log = raw.on_log;
  config.log_context = raw.log_context;
  return {};
}

}  // namespace agones::plugin
