// SPDX-License-Identifier: Apache-2.0
#include "host/generation.h"

#include <array>
#include <utility>

#include "base/result.h"

namespace agones::host {

Generation::Generation(SharedPlugin plugin, const HostConfig& config, std::uint64_t first_id)
    : plugin_(std::move(plugin)), host_(config.known()), version_(plugin_->version()), first_id_(first_id) {
  HostConfig::Copy own = config.copy();
  own.known().first_request_id = first_id;
  if (host_.on_event != nullptr) {
    own.known().on_event = &Generation::on_event;
    own.known().event_context = this;
  }
  if (host_.on_log != nullptr) {
    own.known().on_log = &Generation::on_log;
    own.known().log_context = this;
  }
  std::array<char, 1024> error{};
  const proc_status status = api().init(&own.known(), &client_, error.data(), error.size());
  if (status != PROC_OK) {
    throw plugin::StatusError(status, error.data());
  }
}

Generation::~Generation() {
  close();
}

// What a newer plugin has added to it goes on with it.
void Generation::on_event(void* self, const proc_event* event) {
  auto& generation = *static_cast<Generation*>(self);
  if (!generation.muted_) {
    generation.told_.note(*event);
    generation.host_.on_event(generation.host_.event_context, event);
  }
}

void Generation::on_log(void* self, const proc_log* log) {
  const auto& generation = *static_cast<Generation*>(self);
  if (!generation.muted_) {
    generation.host_.on_log(generation.host_.log_context, log);
  }
}

int Generation::wakeup_fd() const {
  std::int32_t fd = -1;
  api().get_wakeup_fd(client_, &fd, nullptr, 0);
  return fd;
}

proc_connection_state Generation::connection(std::string* reason) const {
  proc_connection_state state = 0;
  std::array<char, 512> text{};
  api().get_connection(client_, &state, text.data(), text.size(), nullptr, 0);
  if (reason != nullptr) {
    *reason = text.data();
  }
  return state;
}

proc_stats Generation::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  api().get_stats(client_, &stats, nullptr, 0);
  return stats;
}

std::string Generation::close() {
  if (client_ == nullptr) {
    return {};
  }
  // A second try for what did not end in time. What still has not ended keeps the library mapped.
  for (int attempt = 0; attempt < 2 && api().shutdown(client_, 0, nullptr, 0) == PROC_ERR_TIMEOUT; ++attempt) {
  }
  api().destroy(client_, nullptr, 0);
  client_ = nullptr;
  return plugin_.release();
}

}  // namespace agones::host
