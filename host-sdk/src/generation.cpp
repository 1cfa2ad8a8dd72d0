// SPDX-License-Identifier: Apache-2.0
#include "generation.h"

#include <array>
#include <utility>

#include "agones/client.hpp"

namespace agones {

Generation::Generation(std::shared_ptr<Plugin> plugin, const proc_config& config, Listener& listener)
    : plugin_(std::move(plugin)), listener_(listener), version_(plugin_->version()) {
  proc_config own = config;
  own.on_event = [](void* self, const proc_event* event) {
    auto& generation = *static_cast<Generation*>(self);
    if (!generation.muted_) {
      generation.listener_.on_event(generation, *event);
    }
  };
  own.event_context = this;
  if (config.on_log != nullptr) {
    own.on_log = [](void* self, const proc_log* log) {
      auto& generation = *static_cast<Generation*>(self);
      if (!generation.muted_) {
        generation.listener_.on_log(*log);
      }
    };
    own.log_context = this;
  }
  std::array<char, 512> error{};
  const proc_status status = api().init(&own, &client_, error.data(), error.size());
  if (status != PROC_OK) {
    throw Error(status, error.data());
  }
}

Generation::~Generation() {
  close();
}

proc_connection_state Generation::connection() const {
  proc_connection_state state = 0;
  api().get_connection(client_, &state, nullptr, 0);
  return state;
}

proc_stats Generation::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  api().get_stats(client_, &stats);
  return stats;
}

bool Generation::exhausted() const {
  const proc_stats now = stats();
  return now.pending == 0 && now.late_answers == 0;
}

std::string Generation::close() {
  if (client_ == nullptr) {
    return {};
  }
  // A second try for what did not end in time. What still has not ended keeps the library mapped.
  std::array<char, 512> error{};
  for (int attempt = 0; attempt < 2 && api().shutdown(client_, 0, error.data(), error.size()) == PROC_ERR_TIMEOUT;
       ++attempt) {
  }
  api().destroy(client_);
  client_ = nullptr;
  return plugin_->unload();
}

}  // namespace agones
