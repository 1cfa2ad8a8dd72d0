// SPDX-License-Identifier: Apache-2.0
// One plugin with one client: what a swap replaces.
#pragma once

#include <agones/processor.h>

#include <agones/library.hpp>
#include <cstdint>
#include <string>

#include "host/connection_told.h"
#include "host/host_config.h"
#include "host/shared_plugins.h"

namespace agones::host {

class Generation {
 public:
  // Ids begin with `first_id`. Throws StatusError, with the plugin's status and text.
  Generation(SharedPlugin plugin, const HostConfig& config, std::uint64_t first_id);
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  const LibraryApi& api() const { return plugin_->api(); }
  proc_client* client() const { return client_; }
  const std::string& version() const { return version_; }
  std::uint64_t first_id() const { return first_id_; }
  int wakeup_fd() const;

  proc_connection_state connection(std::string* reason = nullptr) const;
  proc_stats stats() const;

  // What it handed out last, also while it was on trial. The polling thread's.
  ConnectionTold& told() { return told_; }

  // From here on nobody hears of it; needed before another thread than the polling one closes it.
  void mute() { muted_ = true; }
  // Shuts down and unloads; empty, or what keeps the library mapped.
  std::string close();

 private:
  static void on_event(void* self, const proc_event* event);
  static void on_log(void* self, const proc_log* log);

  SharedPlugin plugin_;
  const proc_config host_;  // its callbacks alone are used
  const std::string version_;
  const std::uint64_t first_id_;
  proc_client* client_ = nullptr;
  ConnectionTold told_;
  bool muted_ = false;
};

}  // namespace agones::host
