// SPDX-License-Identifier: Apache-2.0
#include "bench/plugin_host.h"

#include <stdexcept>

#include "bench/measure.h"

namespace agones::test {

void set_batches(const BenchOptions& options, proc_config& config) {
  if (options.fixed_batches != 0) {
    config.fixed_batches = 1;
    config.max_batch_size = options.fixed_batches;
  }
  if (options.max_batch_size != 0) {
    config.max_batch_size = options.max_batch_size;
  }
  if (options.max_streams != 0) {
    config.max_streams = options.max_streams;
  }
  if (options.timeout_ms != 0) {
    config.allocation_timeout_ms = options.timeout_ms;
  }
  if (options.max_unanswered_batches != 0) {
    config.max_unanswered_batches = options.max_unanswered_batches;
  }
  if (options.batches_per_pull != 0) {
    config.batches_per_pull = options.batches_per_pull;
  }
}

PluginHost::PluginHost(const std::string& address, const Adjust& adjust, const Api& api)
    : api_(api), body_(encoded_request()) {
  proc_config config = plaintext_config(address, api_);
  config.max_pending_requests = 1 << 22;
  config.allocation_timeout_ms = 600'000;
  config.on_event = [](void* self, const proc_event* event) {
    if (event->type == PROC_EVENT_RESULT) {
      auto& host = *static_cast<PluginHost*>(self);
      ++host.ended;
      if (host.on_result) {
        host.on_result(*event);
      }
    }
  };
  config.event_context = this;
  if (adjust) {
    adjust(config);
  }
  char error[256] = "";
  if (api_.init(&config, &client_, error, sizeof(error)) != PROC_OK) {
    throw std::runtime_error(error);
  }
}

PluginHost::~PluginHost() {
  while (api_.shutdown(client_, 0, nullptr, 0) == PROC_ERR_TIMEOUT) {
  }
  api_.destroy(client_, nullptr, 0);
}

void PluginHost::wait_until_serving() {
  proc_connection_state state = 0;
  while (state != PROC_CONNECTION_SERVING) {
    poll(10);
    api_.get_connection(client_, &state, nullptr, 0, nullptr, 0);
  }
}

void PluginHost::submit() {
  char error[256] = "";
  if (api_.allocate(client_, format_, body_.data(), body_.size(), 0, 0, nullptr, error, sizeof(error)) != PROC_OK) {
    throw std::runtime_error(error);
  }
}

void PluginHost::submit(const std::string& body) {
  body_ = body;
  submit();
}

void PluginHost::use_json() {
  format_ = PROC_FORMAT_JSON;
  body_ = request_as_json();
}

std::uint32_t PluginHost::poll_json() {
  std::uint32_t delivered = 0;
  api_.poll_json(
      client_, [](void*, const char*, std::uint64_t) {}, nullptr, 0, 0, 0, &delivered, nullptr, nullptr, 0);
  return delivered;
}

proc_stats PluginHost::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  api_.get_stats(client_, &stats, nullptr, 0);
  return stats;
}

}  // namespace agones::test
