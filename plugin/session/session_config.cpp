// SPDX-License-Identifier: Apache-2.0
#include "session/session_config.h"

#include <cstdio>
#include <random>

#include "text/utf8.h"
#include "wire/message.h"

namespace agones::plugin {

namespace {

constexpr std::uint32_t kDay = 86'400'000;
constexpr std::uint32_t kHour = 3'600'000;
constexpr std::uint32_t kMaxBatchBytes = 4'190'208;  // 4 MiB less 4 KiB

struct Range {
  const char* name;
  std::uint32_t value;
  std::uint32_t least;
  std::uint32_t most;
};

std::string check_ranges(const proc_config& raw) {
  const Range ranges[] = {
      {"max_batch_size", raw.max_batch_size, 1, 10'000},
      {"max_batch_bytes", raw.max_batch_bytes, 1024, kMaxBatchBytes},
      {"max_unanswered_batches", raw.max_unanswered_batches, 1, 65'536},
      {"max_pending_requests", raw.max_pending_requests, 1, 16'777'216},
      {"max_message_bytes", raw.max_message_bytes, 65'536, 1U << 30},
      {"max_unpolled_bytes", raw.max_unpolled_bytes, 1U << 20, UINT32_MAX},
      {"allocation_timeout_ms", raw.allocation_timeout_ms, 1, kDay},
      {"reconnect_initial_ms", raw.reconnect_initial_ms, 1, kHour},
      {"reconnect_max_ms", raw.reconnect_max_ms, raw.reconnect_initial_ms, kHour},
      {"reconnect_jitter_percent", raw.reconnect_jitter_percent, 0, 100},
      {"connect_timeout_ms", raw.connect_timeout_ms, 1, kHour},
      {"keepalive_time_ms", raw.keepalive_time_ms, 10'000, kDay},
      {"keepalive_timeout_ms", raw.keepalive_timeout_ms, 1, kHour},
      {"pull_timeout_ms", raw.pull_timeout_ms, 1, kHour},
      {"answer_timeout_ms", raw.answer_timeout_ms, 1, kHour},
      {"pull_credit", raw.pull_credit, 0, 65'536},
      {"fail_fast", raw.fail_fast, 0, 1},
      {"resend_may_allocate_twice", raw.resend_may_allocate_twice, 0, 1},
  };
  for (const Range& range : ranges) {
    if (range.value < range.least || range.value > range.most) {
      return std::string(range.name) + ": " + std::to_string(range.value) + " is not from " +
             std::to_string(range.least) + " to " + std::to_string(range.most);
    }
  }
  return {};
}

std::string read_text(const char* name, const proc_text& text, std::string& out) {
  constexpr std::uint64_t kLongest = 1U << 20;
  if (text.size == 0) {
    return {};
  }
  if (text.data == nullptr) {
    return std::string(name) + ": data is NULL, size is " + std::to_string(text.size);
  }
  if (text.size > kLongest) {
    return std::string(name) + ": longer than 1 MiB";
  }
  out.assign(text.data, text.size);
  if (!is_utf8(out)) {
    return std::string(name) + ": not valid UTF-8";
  }
  if (out.find('\0') != std::string::npos) {
    return std::string(name) + ": contains NUL";
  }
  return {};
}

std::string read_transport(const proc_config& raw, TransportConfig& transport) {
  const struct {
    const char* name;
    const proc_text& text;
    std::string& out;
  } texts[] = {
      {"tls_ca_file", raw.tls_ca_file, transport.ca.file},
      {"tls_ca_pem", raw.tls_ca_pem, transport.ca.text},
      {"tls_certificate_file", raw.tls_certificate_file, transport.certificate.file},
      {"tls_certificate_pem", raw.tls_certificate_pem, transport.certificate.text},
      {"tls_key_file", raw.tls_key_file, transport.key.file},
      {"tls_key_pem", raw.tls_key_pem, transport.key.text},
      {"tls_server_name", raw.tls_server_name, transport.server_name},
  };
  for (const auto& text : texts) {
    if (std::string problem = read_text(text.name, text.text, text.out); !problem.empty()) {
      return problem;
    }
  }
  transport.plaintext = raw.transport == PROC_TRANSPORT_PLAINTEXT;
  if (raw.transport != PROC_TRANSPORT_PLAINTEXT && raw.transport != PROC_TRANSPORT_TLS) {
    return "transport: " + std::to_string(raw.transport) + " is neither TLS nor PLAINTEXT";
  }
  const struct {
    const char* name;
    const PemSource& source;
  } sources[] = {{"tls_ca", transport.ca}, {"tls_certificate", transport.certificate}, {"tls_key", transport.key}};
  for (const auto& [name, source] : sources) {
    if (transport.plaintext && source.given()) {
      return std::string(name) + ": given, but transport is PLAINTEXT";
    }
    if (!source.file.empty() && !source.text.empty()) {
      return std::string(name) + ": both a file and a text are given";
    }
  }
  if (transport.certificate.given() != transport.key.given()) {
    return std::string(transport.key.given() ? "tls_certificate" : "tls_key") +
           ": missing; certificate and key go together";
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

proc_config default_config() {
  proc_config config{};
  config.struct_size = sizeof(proc_config);
  config.max_batch_size = 1'000;
  config.max_batch_bytes = 4'128'768;
  config.max_unanswered_batches = 1;
  config.max_pending_requests = 1'048'576;
  config.max_message_bytes = 64U << 20;
  config.max_unpolled_bytes = 256U << 20;
  config.allocation_timeout_ms = 30'000;
  config.reconnect_initial_ms = 100;
  config.reconnect_max_ms = 1'500;
  config.reconnect_jitter_percent = 20;
  config.connect_timeout_ms = 5'000;
  config.keepalive_time_ms = 10'000;
  config.keepalive_timeout_ms = 5'000;
  config.pull_timeout_ms = 5'000;
  config.answer_timeout_ms = 35'000;
  config.pull_credit = 64;
  config.transport = PROC_TRANSPORT_TLS;
  config.log_level = PROC_SEVERITY_WARNING;
  return config;
}

std::string read_config(const proc_config& raw, SessionConfig& config) {
  if (std::string problem = check_ranges(raw); !problem.empty()) {
    return problem;
  }
  if (raw.log_level < PROC_SEVERITY_TRACE || raw.log_level > PROC_SEVERITY_OFF) {
    return "log_level: " + std::to_string(raw.log_level) + " is not a severity";
  }
  std::string client_id;
  if (std::string problem = read_text("client_id", raw.client_id, client_id); !problem.empty()) {
    return problem;
  }
  if (client_id.size() > 256) {
    return "client_id: longer than 256 bytes";
  }
  std::string address;
  if (std::string problem = read_text("processor_address", raw.processor_address, address); !problem.empty()) {
    return problem;
  }
  if (address.empty()) {
    return "processor_address: missing";
  }
  EndpointList list = parse_endpoints(address);
  if (!list.problem.empty()) {
    return "processor_address: " + list.problem;
  }
  if (std::string problem = read_transport(raw, config.link.transport); !problem.empty()) {
    return problem;
  }

  std::random_device random;
  config.link.client_id = unique_client_id(client_id, random);
  config.link.endpoints = std::move(list.endpoints);
  config.link.backoff = {milliseconds(raw.reconnect_initial_ms), milliseconds(raw.reconnect_max_ms),
                         raw.reconnect_jitter_percent};
  config.link.pull_timeout = milliseconds(raw.pull_timeout_ms);
  config.link.answer_timeout = milliseconds(raw.answer_timeout_ms);
  config.link.seed = random();
  config.engine.max_batch_size = raw.max_batch_size;
  config.engine.max_batch_bytes = raw.max_batch_bytes;
  config.engine.max_unanswered_batches = raw.max_unanswered_batches;
  config.engine.max_unpolled_bytes = raw.max_unpolled_bytes;
  config.engine.pull_credit = raw.pull_credit;
  config.engine.fail_fast = raw.fail_fast != 0;
  config.engine.resend = raw.resend_may_allocate_twice != 0;
  config.max_pending_requests = raw.max_pending_requests;
  // The client id grows by the stream's number, at most 20 digits and a dot.
  const std::size_t fixed =
      BatchEncoder::kMessageOverhead + BatchEncoder::kRequestOverhead + config.link.client_id.size() + 21;
  config.max_request_bytes = raw.max_batch_bytes - fixed;
  config.allocation_timeout = milliseconds(raw.allocation_timeout_ms);
  config.log_level = raw.log_level;
  config.on_event = raw.on_event;
  config.event_context = raw.event_context;
  config.on_log = raw.on_log;
  config.log_context = raw.log_context;
  return {};
}

}  // namespace agones::plugin
