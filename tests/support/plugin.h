// SPDX-License-Identifier: Apache-2.0
// The plugin as the contract tests see it: a file, dlopen, the C header. And a client that keeps what its
// events said.
#pragma once

#include <agones/processor.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/wait.h"

namespace agones::test {

struct Api {
#define AGONES_MEMBER(name) proc_##name##_fn* name = nullptr;
  PROC_EACH_FUNCTION(AGONES_MEMBER)
#undef AGONES_MEMBER
};

// A dlopen of its own; closed, without asking anything, by the destructor.
class RawLibrary {
 public:
  explicit RawLibrary(const std::string& path, int extra_flags = 0);
  ~RawLibrary();
  RawLibrary(const RawLibrary&) = delete;
  RawLibrary& operator=(const RawLibrary&) = delete;

  const Api& api() const { return api_; }
  void close();

 private:
  void* handle_;
  Api api_;
};

// The file under test (AGONES_PLUGIN in the environment, else the one just built).
std::string plugin_path();
// The host library under test (AGONES_HOST_LIBRARY in the environment, else the one just built).
std::string host_library_path();
// Loaded once for the whole test program.
const Api& plugin();
// The same for the host library, over that plugin.
const Api& plugin_through_host_library();

// A copy of an event.
struct Event {
  proc_event_type type = 0;
  std::uint64_t request_id = 0;
  std::uint64_t token = 0;
  proc_outcome outcome = 0;
  proc_delivery delivery = 0;
  int code = 0;
  std::uint64_t batch_id = 0;
  std::uint64_t latency_us = 0;
  std::string message;
  std::string game_server;
  std::string address;
  std::string node_name;
  std::string source;
  std::vector<int> ports;
  std::string response;
  std::string request;
  std::uint32_t remaining_ms = 0;
  proc_connection_state connection = 0;
  proc_severity severity = 0;
  std::string channel;
  std::string kind;
  std::map<std::string, std::string> fields;
  std::string traceparent;
};

Event copy(const proc_event& event);

proc_text text(std::string_view value);
proc_config default_config(const Api& api = plugin());
// To a local processor. The address must live as long as the config.
proc_config plaintext_config(std::string_view address, const Api& api = plugin());

// The least that a request may say.
inline constexpr std::string_view kAnyGameServer = R"({"namespace":"default"})";
// The body must live as long as the request.
proc_request json_request(std::string_view body = kAnyGameServer);

struct Refusal {
  proc_status status;
  std::string error;
};

class Client {
 public:
  using Adjust = std::function<void(proc_config&)>;
  // Connects in plaintext, unless `adjust` changes the config.
  explicit Client(const std::string& address, const Adjust& adjust = {}, const Api& api = plugin());
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  proc_client* handle() const { return client_; }
  const Api& api() const { return api_; }

  // The id, or 0 (refused: see last_refusal).
  std::uint64_t allocate(std::string_view json = kAnyGameServer, std::uint32_t timeout_ms = 0, std::uint64_t token = 0);
  Refusal last_refusal{PROC_OK, ""};

  // Submits `each` requests from each of so many threads at once, and polls until all have ended. False if
  // one was refused or they did not all end.
  bool allocate_from_threads(std::size_t threads, std::size_t each);

  // Polls until the condition holds; false after kPatience.
  bool poll_until(const std::function<bool()>& condition);
  // False after kPatience without a further result.
  bool poll_until_results(std::size_t count);
  void poll_for(std::chrono::milliseconds time);

  // Ends it; the events so far stay.
  proc_status shutdown(std::uint32_t timeout_ms = 1000);
  void destroy();

  proc_stats stats() const;
  proc_connection_state connection(std::string* reason = nullptr) const;
  // How often it was connected: more than once if it had lost its last stream.
  std::size_t times_connected() const;
  std::vector<std::string> allocated_names() const;
  std::map<proc_outcome, std::size_t> outcomes() const;
  int wakeup_fd() const;  // -1 if there is none to be had

  std::vector<Event> results;
  std::vector<Event> orphans;
  std::vector<Event> connections;
  std::vector<Event> logs;
  std::function<void(const proc_event&)> on_event;  // called as well

 private:
  static void handle_event(void* self, const proc_event* event);

  const Api& api_;
  proc_client* client_ = nullptr;
};

}  // namespace agones::test
