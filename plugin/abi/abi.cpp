// SPDX-License-Identifier: Apache-2.0
// The exported functions: check the arguments, catch everything, delegate.
#include <cxxabi.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "agones/processor.h"
#include "platform/library_state.h"
#include "request/json_response.h"
#include "session/session.h"
#include "stream/grpc_runtime.h"
#include "text/utf8.h"

using agones::plugin::Result;
using agones::plugin::Session;
namespace library_state = agones::plugin::library_state;

struct proc_client {
  explicit proc_client(agones::plugin::SessionConfig config) : session(std::move(config)) {}
  Session session;
};

namespace {

// What the structs of ABI 1.0 end with: a host's struct may be longer, never shorter.
constexpr std::uint32_t kConfigSize = offsetof(proc_config, log_context) + sizeof(void*);
constexpr std::uint32_t kRequestSize = offsetof(proc_request, reserved) + sizeof(std::uint32_t);
constexpr std::uint32_t kEventSize = offsetof(proc_event, channel) + sizeof(proc_text);
constexpr std::uint32_t kStatsSize = offsetof(proc_stats, states_merged) + sizeof(std::uint64_t);

void copy_text(std::string_view text, char* out, std::uint64_t size) {
  if (out == nullptr || size == 0) {
    return;
  }
  const std::string_view fits = agones::plugin::cut_utf8(text, size - 1);
  std::memcpy(out, fits.data(), fits.size());
  out[fits.size()] = '\0';
}

// Of threads or descriptors.
bool is_lack(int system_error) {
  return system_error == EAGAIN || system_error == EMFILE || system_error == ENFILE;
}

// Runs an exported function's body: its failure becomes a status and a text, whatever it throws.
template <typename Body>
proc_status guarded(char* error, std::uint64_t error_size, const Body& body) {
  try {
    const Result result = body();
    if (result.status != PROC_OK) {
      copy_text(result.text, error, error_size);
    }
    return result.status;
  } catch (abi::__forced_unwind&) {
    throw;  // the host cancels its own thread
  } catch (const std::bad_alloc&) {
    copy_text("no memory", error, error_size);
    return PROC_ERR_NO_MEMORY;
  } catch (const library_state::NoResources& lack) {
    copy_text(lack.what(), error, error_size);
    return PROC_ERR_NO_RESOURCES;
  } catch (const std::system_error& fault) {
    copy_text(fault.what(), error, error_size);
    return is_lack(fault.code().value()) ? PROC_ERR_NO_RESOURCES : PROC_ERR_INTERNAL;
  } catch (const std::exception& fault) {
    copy_text(fault.what(), error, error_size);
    return PROC_ERR_INTERNAL;
  } catch (...) {
    copy_text("unknown fault", error, error_size);
    return PROC_ERR_INTERNAL;
  }
}

template <typename Body>
proc_status guarded(const Body& body) {
  return guarded(nullptr, 0, body);
}

Result invalid(std::string text) {
  return {PROC_ERR_INVALID_ARGUMENT, std::move(text)};
}

Result check_client(const proc_client* client) {
  if (client == nullptr) {
    return invalid("client: NULL");
  }
  if (client->session.in_forked_child()) {
    return {PROC_ERR_FORKED, "the process was forked after the client was made"};
  }
  return {};
}

Result check_size(const char* name, std::uint32_t size, std::uint32_t least) {
  if (size < least) {
    return invalid(std::string(name) + ".struct_size: " + std::to_string(size) + " is less than " +
                   std::to_string(least));
  }
  return {};
}

Result check_version(std::uint32_t host) {
  if (host >> 16 != PROC_ABI_VERSION_MAJOR) {
    return {PROC_ERR_VERSION, "the host was built for ABI " + std::to_string(host >> 16) + "." +
                                  std::to_string(host & 0xffffU) + ", this plugin has " +
                                  std::to_string(PROC_ABI_VERSION_MAJOR) + "." +
                                  std::to_string(PROC_ABI_VERSION_MINOR)};
  }
  return {};
}

}  // namespace

#define PROC_TRY(check)                                      \
  if (Result result_ = (check); result_.status != PROC_OK) { \
    return result_;                                          \
  }

extern "C" {

std::uint32_t proc_abi_version(void) {
  return PROC_ABI_VERSION;
}

const char* proc_version(void) {
  return PROC_PLUGIN_VERSION;
}

const char* proc_status_string(proc_status status) {
  static constexpr const char* kNames[] = {"OK",      "INVALID_ARGUMENT", "QUEUE_FULL", "TOO_LARGE",   "SHUT_DOWN",
                                           "BUSY",    "IN_CALLBACK",      "FORKED",     "TIMEOUT",     "NOT_FOUND",
                                           "VERSION", "NO_MEMORY",        "INTERNAL",   "NO_RESOURCES"};
  const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(status));
  return index < std::size(kNames) ? kNames[index] : "?";
}

const char* proc_outcome_string(proc_outcome outcome) {
  static constexpr const char* kNames[] = {"?",         "ALLOCATED",    "REJECTED", "TIMEOUT",
                                           "CANCELLED", "DISCONNECTED", "SHUTDOWN"};
  const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(outcome));
  return index < std::size(kNames) ? kNames[index] : "?";
}

proc_status proc_config_init(std::uint32_t host_abi_version, proc_config* config, std::uint32_t struct_size) {
  return guarded([&]() -> Result {
    PROC_TRY(check_version(host_abi_version));
    if (config == nullptr) {
      return invalid("config: NULL");
    }
    PROC_TRY(check_size("config", struct_size, kConfigSize));
    const proc_config defaults = agones::plugin::default_config();
    std::memset(config, 0, struct_size);
    std::memcpy(config, &defaults, std::min<std::size_t>(struct_size, sizeof(defaults)));
    config->struct_size = struct_size;
    config->abi_version = host_abi_version;
    return {};
  });
}

proc_status proc_init(const proc_config* config, proc_client** client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (client == nullptr) {
      return invalid("client: NULL");
    }
    if (config == nullptr) {
      return invalid("config: NULL");
    }
    PROC_TRY(check_size("config", config->struct_size, kConfigSize));
    PROC_TRY(check_version(config->abi_version));
    if (library_state::forked_with_clients()) {
      return {PROC_ERR_FORKED,
              "the process was forked from one that has a client; load the plugin after fork, or exec"};
    }
    proc_config complete = agones::plugin::default_config();
    std::memcpy(&complete, config, std::min<std::size_t>(config->struct_size, sizeof(complete)));
    agones::plugin::SessionConfig checked;
    if (std::string problem = agones::plugin::read_config(complete, checked); !problem.empty()) {
      return invalid(std::move(problem));
    }
    *client = new proc_client(std::move(checked));
    return {};
  });
}

proc_status proc_allocate(proc_client* client, const proc_request* request, std::uint64_t* request_id, char* error,
                          std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (request == nullptr) {
      return invalid("request: NULL");
    }
    PROC_TRY(check_size("request", request->struct_size, kRequestSize));
    if (request->reserved != 0) {
      return invalid("request.reserved: " + std::to_string(request->reserved) + ", must be 0");
    }
    if (request->body.data == nullptr || request->body.size == 0) {
      return invalid(request->body.size == 0 ? "body: empty" : "body: data is NULL");
    }
    return client->session.allocate(*request, request_id);
  });
}

proc_status proc_cancel(proc_client* client, std::uint64_t request_id) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    return {client->session.cancel(request_id), {}};
  });
}

proc_status proc_poll(proc_client* client, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                      std::uint32_t* delivered) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    std::uint32_t count = 0;
    Result result = client->session.poll(max_events, std::chrono::microseconds(max_time_us),
                                         std::chrono::milliseconds(wait_ms), count);
    if (delivered != nullptr) {
      *delivered = count;
    }
    return result;
  });
}

proc_status proc_poll_events(proc_client* client, proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                             std::int32_t wait_ms, std::uint32_t* count) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    if (events == nullptr || capacity == 0 || count == nullptr) {
      return invalid("events or count: NULL, or capacity 0");
    }
    PROC_TRY(check_size("event", event_size, kEventSize));
    *count = 0;
    return client->session.poll_events(events, event_size, capacity, std::chrono::milliseconds(wait_ms), *count);
  });
}

std::int32_t proc_wakeup_fd(const proc_client* client) {
  return check_client(client).status == PROC_OK ? client->session.wakeup_fd() : -1;
}

proc_status proc_drain(proc_client* client, proc_drain_flags flags) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    if ((flags & ~PROC_DRAIN_RETURN_UNSENT) != 0) {
      return invalid("flags: unknown");
    }
    client->session.drain(flags);
    return {};
  });
}

proc_status proc_shutdown(proc_client* client, std::uint32_t timeout_ms, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->session.shutdown(std::chrono::milliseconds(timeout_ms));
  });
}

proc_status proc_destroy(proc_client* client) {
  return guarded([&]() -> Result {
    if (client == nullptr) {
      return {};
    }
    PROC_TRY(check_client(client));
    PROC_TRY(client->session.may_destroy());
    delete client;
    return {};
  });
}

proc_status proc_get_stats(const proc_client* client, proc_stats* stats) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    if (stats == nullptr) {
      return invalid("stats: NULL");
    }
    PROC_TRY(check_size("stats", stats->struct_size, kStatsSize));
    proc_stats filled{};
    filled.struct_size = stats->struct_size;
    client->session.fill_stats(filled);
    std::memcpy(stats, &filled, std::min<std::size_t>(stats->struct_size, sizeof(filled)));
    return {};
  });
}

proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                std::uint64_t reason_size) {
  return guarded([&]() -> Result {
    PROC_TRY(check_client(client));
    if (state == nullptr) {
      return invalid("state: NULL");
    }
    std::string text;
    *state = client->session.connection(text);
    copy_text(text, reason, reason_size);
    return {};
  });
}

proc_status proc_response_to_json(proc_bytes response, char* json, std::uint64_t size, std::uint64_t* needed) {
  return guarded([&]() -> Result {
    if (response.data == nullptr && response.size != 0) {
      return invalid("response: data is NULL");
    }
    const auto text =
        agones::plugin::response_to_json(std::string_view(static_cast<const char*>(response.data), response.size));
    if (!text) {
      return invalid("response: malformed protobuf");
    }
    if (needed != nullptr) {
      *needed = text->size();
    }
    const bool fits = json != nullptr && size > text->size();
    copy_text(fits ? std::string_view(*text) : std::string_view(), json, size);
    return {fits ? PROC_OK : PROC_ERR_TOO_LARGE, {}};
  });
}

proc_unload_state proc_get_unload_state(char* reason, std::uint64_t reason_size) {
  try {
    std::string holds;
    if (const int clients = library_state::clients(); clients != 0) {
      holds = std::to_string(clients) + " client" + (clients == 1 ? " is" : "s are") + " not destroyed";
    } else if (library_state::live_threads() != 0) {
      holds = "these threads have not ended: " + library_state::live_thread_names();
    } else if (agones::plugin::grpc_running()) {
      holds = "gRPC has not closed down";
    }
    copy_text(holds, reason, reason_size);
    return holds.empty() ? PROC_UNLOAD_SAFE : PROC_UNLOAD_BUSY;
  } catch (const std::exception& fault) {
    copy_text(fault.what(), reason, reason_size);
    return PROC_UNLOAD_BUSY;
  }
}

}  // extern "C"
