// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <agones/processor.h>
#include <agones/plugin.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace agones {

// One plugin with one client: what a swap replaces. Events go to the listener until it is muted.
class Generation {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_event(Generation& generation, const proc_event& event) = 0;
    virtual void on_log(const proc_log& log) = 0;
  };

  // Throws Error.
  Generation(std::shared_ptr<Plugin> plugin, const proc_config& config, Listener& listener);
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  const PluginApi& api() const { return plugin_->api(); }
  proc_client* client() const { return client_; }
  std::string version() const { return version_; }

  proc_connection_state connection() const;
  proc_stats stats() const;
  // Whether nothing can come of it any more: no result, no orphan.
  bool exhausted() const;

  // From here on nobody hears of it; needed before another thread than the polling one closes it.
  void mute() { muted_ = true; }
  // Shuts down and unloads; empty, or what keeps the library mapped.
  std::string close();

  // Requests that ended with UNKNOWN, by the plugin's id: the ids their orphans are reported under.
  std::unordered_map<std::uint64_t, std::uint64_t> late;

 private:
  std::shared_ptr<Plugin> plugin_;
  Listener& listener_;
  std::string version_;
  proc_client* client_ = nullptr;
  bool muted_ = false;
};

}  // namespace agones
