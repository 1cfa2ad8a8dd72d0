// SPDX-License-Identifier: Apache-2.0
#include "agones/client.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace agones {

namespace {

using ErrorText = std::array<char, 512>;

std::string to_string(const proc_text& text) {
  return {text.data, text.size};
}

std::string_view to_view(const proc_text& text) {
  return {text.data, text.size};
}

proc_text to_text(std::string_view text) {
  return {text.data(), text.size()};
}

// The nearest number that the ABI's field can hold; a cast would make a short time of a very long one.
template <typename Number>
Number nearest(std::int64_t count, Number least = std::numeric_limits<Number>::min()) {
  return static_cast<Number>(
      std::clamp<std::int64_t>(count, std::int64_t{least}, std::int64_t{std::numeric_limits<Number>::max()}));
}

GameServer game_server_of(const proc_event& event) {
  GameServer server;
  server.name = to_string(event.game_server_name);
  server.address = to_string(event.address);
  server.node_name = to_string(event.node_name);
  server.source = to_string(event.source);
  for (std::uint64_t i = 0; i < event.port_count; ++i) {
    server.ports.push_back({to_string(event.ports[i].name), event.ports[i].port});
  }
  for (std::uint64_t i = 0; i < event.address_count; ++i) {
    server.addresses.push_back({to_string(event.addresses[i].type), to_string(event.addresses[i].address)});
  }
  server.response.assign(static_cast<const char*>(event.response.data), event.response.size);
  return server;
}

Result result_of(const proc_event& event) {
  Result result;
  result.request_id = event.request_id;
  result.batch_id = event.batch_id;
  result.outcome = static_cast<Outcome>(event.outcome);
  result.delivery = static_cast<Delivery>(event.delivery);
  result.code = event.code;
  result.message = to_string(event.message);
  result.latency = std::chrono::microseconds(event.latency_us);
  if (result.outcome == Outcome::kAllocated) {
    result.game_server = game_server_of(event);
  }
  result.request.assign(static_cast<const char*>(event.request.data), event.request.size);
  result.remaining = std::chrono::milliseconds(event.remaining_ms);
  result.traceparent = to_string(event.traceparent);
  return result;
}

LogRecord record_of(const proc_log& log) {
  LogRecord record;
  record.severity = log.severity;
  record.time_unix_ns = log.time_unix_ns;
  record.channel = to_view(log.channel);
  record.message = to_view(log.message);
  record.request_id = log.request_id;
  record.batch_id = log.batch_id;
  record.kind = to_view(log.kind);
  for (std::uint64_t i = 0; i < log.field_count; ++i) {
    record.fields.emplace_back(to_view(log.fields[i].key), to_view(log.fields[i].value));
  }
  record.traceparent = to_view(log.traceparent);
  return record;
}

}  // namespace

Client::Client(std::shared_ptr<Library> library, ClientOptions options)
    : library_(std::move(library)), options_(std::move(options)) {
  const LibraryApi& api = library_->api();
  ErrorText error{};
  const auto check = [&error](proc_status status) {
    if (status != PROC_OK) {
      throw Error(status, error.data());
    }
  };
  proc_config config;
  check(api.config_init(PROC_ABI_VERSION, &config, sizeof(config), error.data(), error.size()));
  const std::unique_ptr<proc_config, proc_config_clear_fn*> texts(&config, api.config_clear);
  config.client_id = to_text(options_.client_id);
  config.processor_address = to_text(options_.processor_address);
  config.transport = options_.plaintext ? PROC_TRANSPORT_PLAINTEXT : PROC_TRANSPORT_TLS;
  config.tls_ca_file = to_text(options_.tls_ca_file);
  config.tls_certificate_file = to_text(options_.tls_certificate_file);
  config.tls_key_file = to_text(options_.tls_key_file);
  config.tls_server_name = to_text(options_.tls_server_name);
  config.log_level = options_.log_level;
  for (const auto& [name, value] : options_.settings) {
    check(api.config_set(&config, name.c_str(), value.c_str(), error.data(), error.size()));
  }
  config.on_event = [](void* self, const proc_event* event) { static_cast<Client*>(self)->handle(*event); };
  config.event_context = this;
  if (options_.on_log) {
    config.on_log = [](void* self, const proc_log* log) {
      static_cast<Client*>(self)->options_.on_log(record_of(*log));
    };
    config.log_context = this;
  }
  check(api.init(&config, &client_, error.data(), error.size()));
}

Client::~Client() {
  const LibraryApi& api = library_->api();
  // A second try for what did not end in time; a client that still has not ended is left to itself,
  // and keeps the plugin mapped.
  for (int attempt = 0; attempt < 2 && api.shutdown(client_, 0, nullptr, 0) == PROC_ERR_TIMEOUT; ++attempt) {
  }
  api.destroy(client_, nullptr, 0);
}

void Client::handle(const proc_event& event) {
  if (event.type > PROC_EVENT_LOG) {
    return;  // a later plugin's
  }
  switch (static_cast<proc_event_type_values>(event.type)) {
    case PROC_EVENT_RESULT: {
      const std::unique_ptr<ResultCallback> callback(reinterpret_cast<ResultCallback*>(event.token));
      if (*callback) {
        (*callback)(result_of(event));
      }
      break;
    }
    case PROC_EVENT_ORPHAN:
      if (options_.on_orphan) {
        options_.on_orphan({event.request_id, game_server_of(event)});
      }
      break;
    case PROC_EVENT_CONNECTION:
      if (options_.on_connection) {
        options_.on_connection({event.connection, to_string(event.message), to_string(event.address),
                                std::chrono::milliseconds(event.retry_after_ms)});
      }
      break;
    case PROC_EVENT_LOG:  // on_log has it
      break;
  }
}

Client::Submitted Client::submit(proc_format format, std::string_view body, ResultCallback callback,
                                 std::chrono::milliseconds timeout, std::string_view traceparent) {
  auto owned = std::make_unique<ResultCallback>(std::move(callback));
  Submitted submitted;
  ErrorText error{};
  proc_request request{};
  request.struct_size = sizeof(request);
  request.format = format;
  request.body = {body.data(), body.size()};
  // One that is negative is refused as one that is too long.
  request.timeout_ms = nearest<std::uint32_t>(timeout.count() < 0 ? INT64_MAX : timeout.count());
  request.token = reinterpret_cast<std::uintptr_t>(owned.get());
  request.traceparent = to_text(traceparent);
  submitted.status =
      library_->api().allocate_request(client_, &request, &submitted.request_id, error.data(), error.size());
  if (submitted) {
    // The result's event takes it back.
    static_cast<void>(owned.release());
  } else {
    submitted.error = error.data();
  }
  return submitted;
}

Client::Submitted Client::allocate(const Request& request, ResultCallback callback, std::chrono::milliseconds timeout,
                                   std::string_view traceparent) {
  return submit(PROC_FORMAT_PROTOBUF, request.bytes(), std::move(callback), timeout, traceparent);
}

Client::Submitted Client::allocate(std::string_view protobuf, ResultCallback callback,
                                   std::chrono::milliseconds timeout) {
  return submit(PROC_FORMAT_PROTOBUF, protobuf, std::move(callback), timeout);
}

Client::Submitted Client::allocate_json(std::string_view json, ResultCallback callback,
                                        std::chrono::milliseconds timeout) {
  return submit(PROC_FORMAT_JSON, json, std::move(callback), timeout);
}

Client::Submitted Client::allocate_manifest(std::string_view json, ResultCallback callback,
                                            std::chrono::milliseconds timeout) {
  return submit(PROC_FORMAT_MANIFEST, json, std::move(callback), timeout);
}

proc_status Client::cancel(std::uint64_t request_id) {
  return library_->api().cancel(client_, request_id, nullptr, 0);
}

std::uint32_t Client::poll(std::uint32_t max_events, std::chrono::microseconds budget, std::chrono::milliseconds wait) {
  std::uint32_t delivered = 0;
  ErrorText error{};
  // A budget that is used up is none without a limit.
  const auto max_time_us = nearest<std::uint32_t>(budget.count(), budget.count() < 0 ? 1 : 0);
  const proc_status status = library_->api().poll(client_, max_events, max_time_us, nearest<std::int32_t>(wait.count()),
                                                  &delivered, nullptr, error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, std::string("poll: ") + error.data());
  }
  return delivered;
}

void Client::wake() {
  library_->api().wake(client_, nullptr, 0);
}

void Client::drain(proc_drain_flags flags) {
  library_->api().drain(client_, flags, nullptr, 0);
}

const LibraryApi& Client::swap_api() const {
  if (!library_->can_swap()) {
    throw Error(PROC_ERR_INVALID_ARGUMENT, "'" + library_->path() + "' is a plugin: only the host library can swap");
  }
  return library_->api();
}

void Client::swap(const std::string& file, const std::string& sha256) {
  ErrorText error{};
  const proc_status status =
      swap_api().swap(client_, file.c_str(), sha256.empty() ? nullptr : sha256.c_str(), error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
}

SwapReport Client::swap_report() const {
  if (!library_->can_swap()) {
    return {};
  }
  proc_swap_report now{};
  now.struct_size = sizeof(now);
  library_->api().get_swap_report(client_, &now, nullptr, 0);
  SwapReport report;
  report.state = static_cast<SwapReport::State>(now.state);
  report.from_version = now.from_version;
  report.to_version = now.to_version;
  report.moved = now.moved;
  report.drained = now.drained;
  report.longest_gap = std::chrono::microseconds(now.longest_gap_us);
  report.unloaded = now.unloaded != 0;
  report.error = now.error;
  return report;
}

std::string Client::plugin_version() const {
  if (!library_->can_swap()) {
    return library_->version();
  }
  std::array<char, 64> version{};
  library_->api().get_plugin_version(client_, version.data(), version.size(), nullptr, 0);
  return version.data();
}

void Client::shutdown(std::chrono::milliseconds timeout) {
  ErrorText error{};
  const proc_status status =
      library_->api().shutdown(client_, nearest<std::uint32_t>(timeout.count()), error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
}

int Client::wakeup_fd() const {
  std::int32_t fd = -1;
  library_->api().get_wakeup_fd(client_, &fd, nullptr, 0);
  return fd;
}

proc_stats Client::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  library_->api().get_stats(client_, &stats, nullptr, 0);
  return stats;
}

Metrics Client::metrics() const {
  Metrics metrics;
  library_->api().get_stats(client_, &metrics.stats(), nullptr, 0);
  library_->api().get_metrics(client_, &metrics.distributions(), nullptr, 0);
  return metrics;
}

std::string Client::prometheus_text(const Metrics& metrics) const {
  std::uint64_t needed = 0;
  const auto write = [&](char* text, std::uint64_t size) {
    return library_->api().metrics_to_text(&metrics.stats(), &metrics.distributions(), text, size, &needed, nullptr, 0);
  };
  write(nullptr, 0);
  std::string text(needed + 1, '\0');
  write(text.data(), text.size());
  text.resize(needed);
  return text;
}

proc_connection_state Client::connection(std::string* reason) const {
  proc_connection_state state = 0;
  ErrorText text{};
  library_->api().get_connection(client_, &state, text.data(), text.size(), nullptr, 0);
  if (reason != nullptr) {
    *reason = text.data();
  }
  return state;
}

namespace {

std::string request_from(const Library& library, proc_format format, std::string_view body,
                         proc_unknown_fields unknown_fields) {
  ErrorText error{};
  std::uint64_t needed = 0;
  const auto write = [&](char* request, std::uint64_t size) {
    return library.api().request_to_protobuf(format, body.data(), body.size(), unknown_fields, request, size, &needed,
                                             error.data(), error.size());
  };
  // A request is about as long as its JSON, at most.
  std::string request(body.size() + 64, '\0');
  proc_status status = write(request.data(), request.size());
  if (status == PROC_ERR_TOO_LARGE) {
    request.resize(needed);
    status = write(request.data(), request.size());
  }
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
  request.resize(needed);
  return request;
}

}  // namespace

std::string request_from_manifest(const Library& library, std::string_view json, proc_unknown_fields unknown_fields) {
  return request_from(library, PROC_FORMAT_MANIFEST, json, unknown_fields);
}

std::string request_from_json(const Library& library, std::string_view json, proc_unknown_fields unknown_fields) {
  return request_from(library, PROC_FORMAT_JSON, json, unknown_fields);
}

std::string Client::response_json(const GameServer& game_server) const {
  const std::string& response = game_server.response;
  const auto write = [&](char* json, std::uint64_t size, std::uint64_t& needed) {
    return library_->api().response_to_json(response.data(), response.size(), json, size, &needed, nullptr, 0);
  };
  std::uint64_t needed = 0;
  if (write(nullptr, 0, needed) == PROC_ERR_INVALID_ARGUMENT) {
    throw Error(PROC_ERR_INVALID_ARGUMENT, "not an allocation.AllocationResponse");
  }
  std::string json(needed + 1, '\0');
  write(json.data(), json.size(), needed);
  json.resize(needed);
  return json;
}

}  // namespace agones
