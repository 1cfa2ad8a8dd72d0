// SPDX-License-Identifier: Apache-2.0
// A client whose plugin can be replaced by another version while requests are under way.
//
//   swap(path): load the new file -> init -> serving? -> switch -> the old one drains: what it has not sent moves
//   to the new one, what it has sent ends -> shut down -> unload
//
// Everything but loading and closing happens inside poll(), on the polling thread; these two run on a
// thread of their own, so that no frame waits for the dynamic linker. If the new plugin fails any check,
// the old one goes on as if nothing had happened.
#pragma once

#include <agones/processor.h>
#include <agones/plugin.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace agones {

struct SwapReport {
  enum class State { kNone, kRunning, kDone, kFailed };
  State state = State::kNone;
  std::string from_version;
  std::string to_version;
  std::uint64_t moved = 0;                   // requests not yet sent, handed to the new plugin
  std::uint64_t drained = 0;                 // requests in flight that ended on the old plugin
  std::chrono::microseconds longest_gap{0};  // from the switch until the last request was moved
  bool unloaded = false;                     // the old library is out of the process
  std::string error;                         // kFailed: why; kDone and not unloaded: what keeps the library
};

class SwapClient {
 public:
  struct Options {
    PluginOptions plugin;
    // How long the new plugin has to be serving; not asked of it while the old one is not serving either.
    std::chrono::milliseconds ready_timeout{10'000};
    // How long the old plugin may wait for the answers to what it has sent.
    std::chrono::milliseconds drain_timeout{60'000};
  };

  // The defaults, as the plugin has them. Throws PluginError, Error.
  static proc_config default_config(const std::string& plugin_path, const PluginOptions& options = {});

  // The config is copied, with its texts; its on_event and on_log are called with their contexts, from
  // inside poll() and shutdown() alone. Throws PluginError, Error.
  SwapClient(const std::string& plugin_path, const proc_config& config, const Options& options);
  ~SwapClient();
  SwapClient(const SwapClient&) = delete;
  SwapClient& operator=(const SwapClient&) = delete;

  // As proc_allocate, proc_cancel: any thread. Ids are this object's own.
  proc_status allocate(const proc_request& request, std::uint64_t* id, std::string* error);
  proc_status cancel(std::uint64_t id);

  // As proc_poll, and carries a swap on. One thread at a time, not from a callback.
  proc_status poll(std::uint32_t max_events, std::chrono::microseconds budget, std::chrono::milliseconds wait,
                   std::uint32_t* delivered);

  // False if a swap is running. Any thread.
  bool swap(const std::string& plugin_path);
  SwapReport report() const;

  // Ends everything, events included. As proc_shutdown.
  void shutdown(std::chrono::milliseconds timeout);

  std::string plugin_version() const;
  proc_connection_state connection() const;
  proc_stats stats() const;  // of the present plugin

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace agones
