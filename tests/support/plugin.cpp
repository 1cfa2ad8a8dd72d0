// SPDX-License-Identifier: Apache-2.0
#include "support/plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace agones::test {

using Clock = std::chrono::steady_clock;

RawLibrary::RawLibrary(const std::string& path, int extra_flags)
    : handle_(dlopen(path.c_str(), RTLD_NOW | (extra_flags != 0 ? extra_flags : RTLD_LOCAL))) {
  if (handle_ == nullptr) {
    throw std::runtime_error(dlerror());
  }
#define AGONES_FIND(name) *reinterpret_cast<void**>(&api_.name) = dlsym(handle_, "proc_" #name);
  PROC_EACH_FUNCTION(AGONES_FIND)
#undef AGONES_FIND
}

RawLibrary::~RawLibrary() {
  close();
}

void RawLibrary::close() {
  if (handle_ != nullptr) {
    dlclose(handle_);
    handle_ = nullptr;
  }
}

std::string plugin_path() {
  const char* path = std::getenv("AGONES_PLUGIN");
  return path != nullptr ? path : AGONES_BUILT_PLUGIN;
}

std::string host_library_path() {
  const char* path = std::getenv("AGONES_HOST_LIBRARY");
  return path != nullptr ? path : AGONES_BUILT_HOST_LIBRARY;
}

const Api& plugin() {
  static const RawLibrary* library = new RawLibrary(plugin_path());
  return library->api();
}

const Api& plugin_through_host_library() {
  static const RawLibrary* library = [] {
    setenv("AGONES_PROCESSOR_PLUGIN", plugin_path().c_str(), 0);
    return new RawLibrary(host_library_path());
  }();
  return library->api();
}

Event copy(const proc_event& event) {
  const auto string = [](const proc_text& view) { return std::string(view.data, view.size); };
  const auto bytes = [](const proc_bytes& view) { return std::string(static_cast<const char*>(view.data), view.size); };
  Event copied;
  copied.type = event.type;
  copied.request_id = event.request_id;
  copied.token = event.token;
  copied.outcome = event.outcome;
  copied.delivery = event.delivery;
  copied.code = event.code;
  copied.batch_id = event.batch_id;
  copied.latency_us = event.latency_us;
  copied.message = string(event.message);
  copied.game_server = string(event.game_server_name);
  copied.address = string(event.address);
  copied.node_name = string(event.node_name);
  copied.source = string(event.source);
  for (std::uint64_t i = 0; i < event.port_count; ++i) {
    copied.ports.push_back(event.ports[i].port);
  }
  copied.response = bytes(event.response);
  copied.request = bytes(event.request);
  copied.remaining_ms = event.remaining_ms;
  copied.connection = event.connection;
  copied.severity = event.severity;
  copied.channel = string(event.channel);
  copied.kind = string(event.kind);
  for (std::uint64_t i = 0; i < event.field_count; ++i) {
    copied.fields[string(event.fields[i].key)] = string(event.fields[i].value);
  }
  copied.traceparent = string(event.traceparent);
  return copied;
}

proc_text text(std::string_view value) {
  return {value.data(), value.size()};
}

proc_config default_config(const Api& api) {
  proc_config config;
  if (api.config_init(PROC_ABI_VERSION, &config, sizeof(config), nullptr, 0) != PROC_OK) {
    throw std::runtime_error("proc_config_init failed");
  }
  return config;
}

proc_config plaintext_config(std::string_view address, const Api& api) {
  proc_config config = default_config(api);
  config.processor_address = text(address);
  config.transport = PROC_TRANSPORT_PLAINTEXT;
  return config;
}

proc_request json_request(std::string_view body) {
  proc_request request{};
  request.struct_size = sizeof(request);
  request.format = PROC_FORMAT_JSON;
  request.body = {body.data(), body.size()};
  return request;
}

Client::Client(const std::string& address, const Adjust& adjust, const Api& api) : api_(api) {
  proc_config config = plaintext_config(address, api_);
  config.log_level = PROC_SEVERITY_INFO;
  if (adjust) {
    adjust(config);
  }
  config.on_event = &Client::handle_event;
  config.event_context = this;
  char error[256] = "";
  if (api_.init(&config, &client_, error, sizeof(error)) != PROC_OK) {
    throw std::runtime_error(error);
  }
}

Client::~Client() {
  destroy();
}

void Client::handle_event(void* self, const proc_event* event) {
  auto& client = *static_cast<Client*>(self);
  Event copied = copy(*event);
  switch (static_cast<proc_event_type_values>(event->type)) {
    case PROC_EVENT_RESULT:
      client.results.push_back(std::move(copied));
      break;
    case PROC_EVENT_ORPHAN:
      client.orphans.push_back(std::move(copied));
      break;
    case PROC_EVENT_CONNECTION:
      client.connections.push_back(std::move(copied));
      break;
    case PROC_EVENT_LOG:
      client.logs.push_back(std::move(copied));
      break;
  }
  if (client.on_event) {
    client.on_event(*event);
  }
}

std::uint64_t Client::allocate(std::string_view json, std::uint32_t timeout_ms, std::uint64_t token) {
  std::uint64_t id = 0;
  char error[256] = "";
  last_refusal.status =
      api_.allocate(client_, PROC_FORMAT_JSON, json.data(), json.size(), timeout_ms, token, &id, error, sizeof(error));
  last_refusal.error = error;
  return last_refusal.status == PROC_OK ? id : 0;
}

bool Client::allocate_from_threads(std::size_t threads, std::size_t each) {
  std::atomic<std::size_t> accepted{0};
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      const proc_request request = json_request();
      for (std::size_t n = 0; n < each; ++n) {
        accepted += api_.allocate_request(client_, &request, nullptr, nullptr, 0) == PROC_OK ? 1 : 0;
      }
    });
  }
  const bool all_ended = poll_until_results(threads * each);
  for (std::thread& thread : running) {
    thread.join();
  }
  return all_ended && accepted.load() == threads * each;
}

bool Client::poll_until(const std::function<bool()>& condition) {
  const auto end = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > end) {
      return false;
    }
    api_.poll(client_, 0, 0, 20, nullptr, nullptr, nullptr, 0);
  }
  return true;
}

bool Client::poll_until_results(std::size_t count) {
  while (results.size() < count) {
    const std::size_t before = results.size();
    if (!poll_until([&] { return results.size() > before; })) {
      return false;
    }
  }
  return true;
}

void Client::poll_for(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
    api_.poll(client_, 0, 0, 5, nullptr, nullptr, nullptr, 0);
  }
}

proc_status Client::shutdown(std::uint32_t timeout_ms) {
  char error[256] = "";
  last_refusal.status = api_.shutdown(client_, timeout_ms, error, sizeof(error));
  last_refusal.error = error;
  return last_refusal.status;
}

void Client::destroy() {
  if (client_ != nullptr) {
    const auto end = Clock::now() + kPatience;
    while (api_.shutdown(client_, 0, nullptr, 0) == PROC_ERR_TIMEOUT && Clock::now() < end) {
    }
    api_.destroy(client_, nullptr, 0);
    client_ = nullptr;
  }
}

proc_stats Client::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  api_.get_stats(client_, &stats, nullptr, 0);
  return stats;
}

std::size_t Client::times_connected() const {
  return static_cast<std::size_t>(std::count_if(connections.begin(), connections.end(), [](const Event& event) {
    return event.connection == PROC_CONNECTION_SERVING;
  }));
}

proc_connection_state Client::connection(std::string* reason) const {
  proc_connection_state state = 0;
  char why[512] = "";
  api_.get_connection(client_, &state, why, sizeof(why), nullptr, 0);
  if (reason != nullptr) {
    *reason = why;
  }
  return state;
}

int Client::wakeup_fd() const {
  std::int32_t fd = -1;
  api_.get_wakeup_fd(client_, &fd, nullptr, 0);
  return fd;
}

std::vector<std::string> Client::allocated_names() const {
  std::vector<std::string> names;
  for (const Event& result : results) {
    if (result.outcome == PROC_OUTCOME_ALLOCATED) {
      names.push_back(result.game_server);
    }
  }
  return names;
}

std::map<proc_outcome, std::size_t> Client::outcomes() const {
  std::map<proc_outcome, std::size_t> counts;
  for (const Event& result : results) {
    ++counts[result.outcome];
  }
  return counts;
}

}  // namespace agones::test
