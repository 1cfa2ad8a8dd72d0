// SPDX-License-Identifier: Apache-2.0
// A host as lean as one can be: no copies of events, no checks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bench/modes.h"
#include "support/plugin.h"

namespace agones::test {

// What the client of this name calls.
inline const Api& api_of(const std::string& client) {
  return client == "host" ? plugin_through_host_library() : plugin();
}

// What the options say of batches and streams.
void set_batches(const BenchOptions& options, proc_config& config);

class PluginHost {
 public:
  using Adjust = std::function<void(proc_config&)>;
  explicit PluginHost(const std::string& address, const Adjust& adjust = {}, const Api& api = plugin());
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Polls until the processor pulls.
  void wait_until_serving();
  void submit();
  void submit(const std::string& body);
  // From now on requests are submitted as JSON.
  void use_json();
  void poll(std::int32_t wait_ms, std::uint32_t max_time_us = 0) {
    api_.poll(client_, 0, max_time_us, wait_ms, nullptr, nullptr, nullptr, 0);
  }
  // Hands out what waits as JSON. The number of events.
  std::uint32_t poll_json();
  proc_stats stats() const;
  const Api& api() const { return api_; }
  proc_client* handle() const { return client_; }
  const std::string& body() const { return body_; }

  std::uint64_t ended = 0;
  std::function<void(const proc_event&)> on_result;  // called as well

 private:
  const Api& api_;
  proc_client* client_ = nullptr;
  proc_format format_ = PROC_FORMAT_PROTOBUF;
  std::string body_;
};

}  // namespace agones::test
