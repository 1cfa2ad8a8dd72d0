// SPDX-License-Identifier: Apache-2.0
#include "agones/client.hpp"

#include <array>
#include <utility>

namespace agones {

namespace {

using ErrorText = std::array<char, 512>;

std::string to_string(const proc_text& text) {
  return {text.data, text.size};
}

proc_text to_text(std::string_view text) {
  return {text.data(), text.size()};
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
  return result;
}

}  // namespace

Client::Client(std::shared_ptr<Plugin> plugin, ClientOptions options)
    : plugin_(std::move(plugin)), options_(std::move(options)) {
  const PluginApi& api = plugin_->api();
  proc_config config;
  proc_status status = api.config_init(PROC_ABI_VERSION, &config, sizeof(config));
  if (status != PROC_OK) {
    throw Error(status, "the plugin refuses this host's ABI version");
  }
  config.client_id = to_text(options_.client_id);
  config.processor_address = to_text(options_.processor_address);
  config.transport = options_.plaintext ? PROC_TRANSPORT_PLAINTEXT : PROC_TRANSPORT_TLS;
  config.tls_ca_file = to_text(options_.tls_ca_file);
  config.tls_certificate_file = to_text(options_.tls_certificate_file);
  config.tls_key_file = to_text(options_.tls_key_file);
  config.tls_server_name = to_text(options_.tls_server_name);
  config.log_level = options_.log_level;
  if (options_.adjust) {
    options_.adjust(config);
  }
  config.on_event = [](void* self, const proc_event* event) { static_cast<Client*>(self)->handle(*event); };
  config.event_context = this;
  if (options_.on_log) {
    config.on_log = [](void* self, const proc_log* log) {
      static_cast<Client*>(self)->options_.on_log({log->severity,
                                                   log->time_unix_ns,
                                                   {log->channel.data, log->channel.size},
                                                   {log->message.data, log->message.size},
                                                   log->request_id,
                                                   log->batch_id});
    };
    config.log_context = this;
  }
  ErrorText error{};
  status = api.init(&config, &client_, error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
}

Client::~Client() {
  const PluginApi& api = plugin_->api();
  // A second try for what did not end in time; a client that still has not ended is left to itself,
  // and keeps the plugin mapped.
  for (int attempt = 0; attempt < 2 && api.shutdown(client_, 0, nullptr, 0) == PROC_ERR_TIMEOUT; ++attempt) {
  }
  api.destroy(client_);
}

void Client::handle(const proc_event& event) {
  switch (event.type) {
    case PROC_EVENT_RESULT: {
      const std::unique_ptr<ResultCallback> callback(static_cast<ResultCallback*>(event.user_data));
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
    default:
      break;
  }
}

Client::Submitted Client::submit(proc_format format, std::string_view body, ResultCallback callback,
                                 std::chrono::milliseconds timeout) {
  auto owned = std::make_unique<ResultCallback>(std::move(callback));
  proc_request request{};
  request.struct_size = sizeof(request);
  request.format = format;
  request.body = {body.data(), body.size()};
  request.user_data = owned.get();
  request.timeout_ms = static_cast<std::uint32_t>(timeout.count());
  Submitted submitted;
  ErrorText error{};
  submitted.status = plugin_->api().allocate(client_, &request, &submitted.request_id, error.data(), error.size());
  if (submitted) {
    // The result's event takes it back.
    static_cast<void>(owned.release());
  } else {
    submitted.error = error.data();
  }
  return submitted;
}

Client::Submitted Client::allocate(std::string_view protobuf, ResultCallback callback,
                                   std::chrono::milliseconds timeout) {
  return submit(PROC_FORMAT_PROTOBUF, protobuf, std::move(callback), timeout);
}

Client::Submitted Client::allocate_json(std::string_view json, ResultCallback callback,
                                        std::chrono::milliseconds timeout) {
  return submit(PROC_FORMAT_JSON, json, std::move(callback), timeout);
}

proc_status Client::cancel(std::uint64_t request_id) {
  return plugin_->api().cancel(client_, request_id);
}

std::uint32_t Client::poll(std::uint32_t max_events, std::chrono::microseconds budget, std::chrono::milliseconds wait) {
  std::uint32_t delivered = 0;
  const proc_status status = plugin_->api().poll(client_, max_events, static_cast<std::uint32_t>(budget.count()),
                                                 static_cast<std::int32_t>(wait.count()), &delivered);
  if (status != PROC_OK) {
    throw Error(status, std::string("poll: ") + plugin_->api().status_string(status));
  }
  return delivered;
}

void Client::drain(proc_drain_flags flags) {
  plugin_->api().drain(client_, flags);
}

void Client::shutdown(std::chrono::milliseconds timeout) {
  ErrorText error{};
  const proc_status status =
      plugin_->api().shutdown(client_, static_cast<std::uint32_t>(timeout.count()), error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
}

int Client::wakeup_fd() const {
  return plugin_->api().wakeup_fd(client_);
}

proc_stats Client::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  plugin_->api().get_stats(client_, &stats);
  return stats;
}

proc_connection_state Client::connection(std::string* reason) const {
  proc_connection_state state = 0;
  ErrorText text{};
  plugin_->api().get_connection(client_, &state, text.data(), text.size());
  if (reason != nullptr) {
    *reason = text.data();
  }
  return state;
}

std::string Client::response_json(const GameServer& game_server) const {
  const proc_bytes response{game_server.response.data(), game_server.response.size()};
  std::uint64_t needed = 0;
  const proc_status status = plugin_->api().response_to_json(response, nullptr, 0, &needed);
  if (status == PROC_ERR_INVALID_ARGUMENT) {
    throw Error(status, "not an allocation.AllocationResponse");
  }
  std::string json(needed + 1, '\0');
  plugin_->api().response_to_json(response, json.data(), json.size(), &needed);
  json.resize(needed);
  return json;
}

}  // namespace agones
