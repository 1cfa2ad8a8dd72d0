// SPDX-License-Identifier: Apache-2.0
// The C ABI for C++17 hosts: RAII, std::function callbacks, values instead of views.
#pragma once

#include <agones/processor.h>
#include <agones/processor_swap.h>

#include <agones/library.hpp>
#include <agones/metrics.hpp>
#include <agones/request.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agones {

// A call that the library refused.
class Error : public std::runtime_error {
 public:
  Error(proc_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  proc_status status() const { return status_; }

 private:
  proc_status status_;
};

enum class Outcome : std::int32_t {
  kAllocated = PROC_OUTCOME_ALLOCATED,
  kRejected = PROC_OUTCOME_REJECTED,
  kTimeout = PROC_OUTCOME_TIMEOUT,
  kCancelled = PROC_OUTCOME_CANCELLED,
  kDisconnected = PROC_OUTCOME_DISCONNECTED,
  kShutdown = PROC_OUTCOME_SHUTDOWN,
};

enum class Delivery : std::int32_t {
  kNotSent = PROC_DELIVERY_NOT_SENT,
  kUnknown = PROC_DELIVERY_UNKNOWN,
  kDone = PROC_DELIVERY_DONE,
};

struct GameServer {
  struct Port {
    std::string name;
    std::int32_t port = 0;
  };
  struct Address {
    std::string type;
    std::string address;
  };
  std::string name;
  std::string address;
  std::string node_name;
  std::string source;
  std::vector<Port> ports;
  std::vector<Address> addresses;
  std::string response;  // the serialized allocation.AllocationResponse; agones/response.hpp reads the rest of it
};

struct Result {
  std::uint64_t request_id = 0;
  std::uint64_t batch_id = 0;
  Outcome outcome = Outcome::kShutdown;
  Delivery delivery = Delivery::kNotSent;
  int code = 0;         // kRejected: the gRPC status code
  std::string message;  // kRejected, kDisconnected; kTimeout of a request that was not sent: what it waited for
  std::chrono::microseconds latency{0};
  std::optional<GameServer> game_server;  // kAllocated
  // kNotSent: the serialized allocation.AllocationRequest, safe to send again, and what was left of its time.
  std::string request;
  std::chrono::milliseconds remaining{0};
  std::string traceparent;  // as given to allocate
};

struct Orphan {
  std::uint64_t request_id = 0;
  GameServer game_server;
};

struct ConnectionEvent {
  proc_connection_state state = 0;
  std::string reason;
  std::string address;
  std::chrono::milliseconds retry_after{0};
};

struct LogRecord {
  proc_severity severity = 0;
  std::int64_t time_unix_ns = 0;
  std::string_view channel;
  std::string_view message;
  std::uint64_t request_id = 0;
  std::uint64_t batch_id = 0;
  std::string_view kind;  // which line it is: a stable name
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::string_view traceparent;  // of the request
};

using ResultCallback = std::function<void(const Result&)>;

struct ClientOptions {
  std::string client_id;
  std::string processor_address;
  bool plaintext = false;
  std::string tls_ca_file;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_server_name;
  proc_severity log_level = PROC_SEVERITY_WARNING;
  // Every other setting, by its name, as proc_config_set takes it: {"max_batch_size", "500"}.
  std::vector<std::pair<std::string, std::string>> settings;
  std::function<void(const Orphan&)> on_orphan;
  std::function<void(const ConnectionEvent&)> on_connection;
  std::function<void(const LogRecord&)> on_log;
};

// How the last swap went.
struct SwapReport {
  enum class State : std::int32_t {
    kNone = PROC_SWAP_NONE,
    kRunning = PROC_SWAP_RUNNING,
    kDone = PROC_SWAP_DONE,
    kFailed = PROC_SWAP_FAILED,
  };
  State state = State::kNone;
  std::string from_version;
  std::string to_version;
  std::uint64_t moved = 0;                   // requests not yet sent, handed to the new plugin
  std::uint64_t drained = 0;                 // requests in flight that ended on the old plugin
  std::chrono::microseconds longest_gap{0};  // from the switch until the last request was moved
  bool unloaded = false;                     // the old library is out of the process
  std::string error;                         // kFailed: why; kDone and not unloaded: what keeps the library
};

// A GameServerAllocation of Kubernetes, in JSON, as the serialized AllocationRequest that it means: to keep it, to send it by other
// ways, or for Client::allocate(protobuf). Throws Error, which names what a request can't carry.
std::string request_from_manifest(const Library& library, std::string_view json,
                                  proc_unknown_fields unknown_fields = PROC_UNKNOWN_FIELDS_REFUSE);
// The same of a request in JSON.
std::string request_from_json(const Library& library, std::string_view json,
                              proc_unknown_fields unknown_fields = PROC_UNKNOWN_FIELDS_REFUSE);

class Allocation;  // agones/async.hpp

// One client of the processor. Same thread rules as the C ABI: allocate, cancel, drain, stats from any
// thread; poll and shutdown from one at a time; callbacks run inside these two.
//
// Made from the host library it can swap the plugin, made from a plugin it can't; it is the same otherwise.
class Client {
 public:
  // Throws Error.
  Client(std::shared_ptr<Library> library, ClientOptions options);
  // Shuts down: what is in flight ends as kShutdown, and its callbacks are called.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // PROC_OK and the request's id, or why it was refused (then the callback is never called).
  struct Submitted {
    proc_status status = PROC_OK;
    std::uint64_t request_id = 0;
    std::string error;
    explicit operator bool() const { return status == PROC_OK; }
  };

  // Timeout 0: the config's. `traceparent`: empty, or the trace that the request belongs to (W3C Trace Context); it comes
  // back in the result and in log lines about the request.
  Submitted allocate(const Request& request, ResultCallback callback, std::chrono::milliseconds timeout = {},
                     std::string_view traceparent = {});
  // For co_await; defined in agones/async.hpp.
  Allocation allocate(Request request, std::chrono::milliseconds timeout = {});
  Submitted allocate(std::string_view protobuf, ResultCallback callback, std::chrono::milliseconds timeout = {});
  Submitted allocate_json(std::string_view json, ResultCallback callback, std::chrono::milliseconds timeout = {});
  // A GameServerAllocation of Kubernetes, in JSON; see PROC_FORMAT_MANIFEST.
  Submitted allocate_manifest(std::string_view json, ResultCallback callback, std::chrono::milliseconds timeout = {});
  proc_status cancel(std::uint64_t request_id);

  // The number of events handed out. `budget` 0: no limit, negative: used up, one event at most; `wait` negative: for ever.
  std::uint32_t poll(std::uint32_t max_events = 0, std::chrono::microseconds budget = {},
                     std::chrono::milliseconds wait = {});
  void drain(proc_drain_flags flags = PROC_DRAIN_FINISH);
  // Throws Error (PROC_ERR_TIMEOUT) if something did not end; may be called again.
  void shutdown(std::chrono::milliseconds timeout);

  // Ends a poll that waits. Any thread.
  void wake();

  // Starts to replace the plugin by the one in this file; polls carry it on. Any thread. Throws Error: a swap is running,
  // or the library is a plugin and can't do it.
  void swap(const std::string& file, const std::string& sha256 = {});
  SwapReport swap_report() const;
  // The release of the plugin that takes new requests.
  std::string plugin_version() const;

  int wakeup_fd() const;
  proc_stats stats() const;
  // Counters and distributions; those of several clients can be added up.
  Metrics metrics() const;
  // For the host's /metrics, in Prometheus' exposition format.
  std::string prometheus_text(const Metrics& metrics) const;
  proc_connection_state connection(std::string* reason = nullptr) const;
  std::string response_json(const GameServer& game_server) const;
  const std::shared_ptr<Library>& library() const { return library_; }

 private:
  Submitted submit(proc_format format, std::string_view body, ResultCallback callback,
                   std::chrono::milliseconds timeout, std::string_view traceparent = {});
  void handle(const proc_event& event);
  const LibraryApi& swap_api() const;

  std::shared_ptr<Library> library_;
  ClientOptions options_;
  proc_client* client_ = nullptr;
};

}  // namespace agones
