// SPDX-License-Identifier: Apache-2.0
// A host that counts what it is told, through the host library.
#pragma once

#include <agones/processor_swap.h>

#include <agones/library.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/plugin.h"

namespace agones::test {

// The versions to swap between: AGONES_PLUGIN and AGONES_NEXT_PLUGIN in the environment, else those just built.
const char* old_plugin();
const char* new_plugin();

// The host library, loaded once.
const LibraryApi& host_library();

class SwapHost {
 public:
  using Adjust = std::function<void(proc_config&)>;
  // How it takes its events.
  enum class Form { kCallback, kArray, kJson };

  // With the older plugin, in plaintext, unless `adjust` changes the config.
  explicit SwapHost(const std::string& address, const Adjust& adjust = {}, Form form = Form::kCallback);
  ~SwapHost();
  SwapHost(const SwapHost&) = delete;
  SwapHost& operator=(const SwapHost&) = delete;

  proc_client* handle() const { return client_; }
  void end();

  // Any thread. The id, or 0.
  std::uint64_t allocate();
  void poll(std::int32_t wait_ms);
  bool poll_until(const std::function<bool()>& condition);

  // Starts a swap and polls until it has ended. False if it could not be started or did not end.
  bool swap_and_wait(const std::string& plugin);
  proc_swap_report report() const;
  bool swapped() const { return report().state == PROC_SWAP_DONE; }
  std::string plugin_version() const;
  proc_stats stats() const;
  proc_connection_state connection() const;
  bool serving() const { return connection() == PROC_CONNECTION_SERVING; }

  std::size_t ended() const { return ended_; }
  std::size_t accepted() const { return accepted_.load(); }
  std::vector<std::string> names() const {
    return {names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(named_)};
  }
  std::vector<std::string> orphan_names;
  std::map<std::string, std::size_t> outcomes;
  std::size_t states_told = 0;
  std::string last_state_told;
  std::chrono::microseconds longest_latency{0};

 private:
  struct Result {
    std::uint64_t token;
    std::string outcome;
    std::string game_server;
    std::uint64_t latency_us;
  };
  void handle_event(const proc_event& event);
  void handle_json(const std::string& text);
  void add(const Result& result);

  // Books of a fixed size: what grows in this process during a swap is not the test's.
  static constexpr std::size_t kMostRequests = 1'000'000;
  const Form form_;
  proc_client* client_ = nullptr;
  std::atomic<std::size_t> accepted_{0};
  std::size_t ended_ = 0;
  std::size_t named_ = 0;
  std::vector<std::string> names_;
  std::vector<char> seen_;
};

// Submits at a steady rate from threads of its own until it is stopped.
class SteadyLoad {
 public:
  explicit SteadyLoad(SwapHost& host, std::size_t threads = 1);
  ~SteadyLoad() { stop(); }
  void stop();

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace agones::test
