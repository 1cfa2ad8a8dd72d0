// SPDX-License-Identifier: Apache-2.0
// The plugin's exported functions: check the arguments, catch everything, delegate. Those that need no client are in
// stateless.cpp, which the host library has too.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "agones/processor_layout.h"
#include "contract/border.h"
#include "contract/config_fields.h"
#include "platform/library_state.h"
#include "session/session.h"
#include "stream/grpc_runtime.h"

using agones::plugin::check_client;
using agones::plugin::check_struct;
using agones::plugin::copy_text;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::PollBudget;
using agones::plugin::Result;
using agones::plugin::Session;
namespace library_state = agones::plugin::library_state;

struct proc_client {
  explicit proc_client(agones::plugin::SessionConfig config) : session(std::move(config)) {}
  bool in_forked_child() const { return session.in_forked_child(); }
  Session session;
};

namespace {

Result allocate(proc_client* client, const proc_request& request, std::uint64_t* request_id) {
  if (request.body.data == nullptr || request.body.size == 0) {
    return invalid(request.body.size == 0 ? "body: empty" : "body: NULL");
  }
  return client->session.allocate(request, request_id);
}

}  // namespace

extern "C" {

proc_status proc_init(const proc_config* config, proc_client** client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(agones::plugin::check_init(config, client));
    if (library_state::forked_with_clients()) {
      return agones::plugin::forked_before_init();
    }
    const proc_config complete = agones::plugin::complete_config(*config);
    agones::plugin::SessionConfig checked;
    if (std::string problem = agones::plugin::read_config(complete, checked); !problem.empty()) {
      return invalid(std::move(problem));
    }
    *client = new proc_client(std::move(checked));
    return {};
  });
}

proc_status proc_allocate(proc_client* client, proc_format format, const void* body, std::uint64_t size,
                          std::uint32_t timeout_ms, std::uint64_t token, std::uint64_t* request_id, char* error,
                          std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    proc_request request{};
    request.format = format;
    request.body = {body, size};
    request.timeout_ms = timeout_ms;
    request.token = token;
    return allocate(client, request, request_id);
  });
}

proc_status proc_allocate_request(proc_client* client, const proc_request* request, std::uint64_t* request_id,
                                  char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("request", request, agones::plugin::kRequestSize));
    if (request->reserved != 0) {
      return invalid("request.reserved: " + std::to_string(request->reserved) + ", must be 0");
    }
    return allocate(client, *request, request_id);
  });
}

proc_status proc_cancel(proc_client* client, std::uint64_t request_id, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->session.cancel(request_id);
  });
}

proc_status proc_poll(proc_client* client, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                      std::uint32_t* delivered, std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(max_events, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->session.poll(budget);
  });
  budget.report(delivered, more);
  return status;
}

proc_status proc_poll_json(proc_client* client, proc_json_fn* on_json, void* context, std::uint32_t max_events,
                           std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* delivered,
                           std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(max_events, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (on_json == nullptr) {
      return invalid("on_json: NULL");
    }
    return client->session.poll_json(on_json, context, budget);
  });
  budget.report(delivered, more);
  return status;
}

proc_status proc_poll_events(proc_client* client, proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                             std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* count, std::uint32_t* more,
                             char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(capacity, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(agones::plugin::check_array(events, event_size, capacity, count));
    return client->session.poll_events(events, event_size, budget);
  });
  budget.report(count, more);
  return status;
}

proc_status proc_wake(proc_client* client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    client->session.wake();
    return {};
  });
}

proc_status proc_get_wakeup_fd(const proc_client* client, std::int32_t* fd, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (fd == nullptr) {
      return invalid("fd: NULL");
    }
    *fd = client->session.wakeup_fd();
    return {};
  });
}

proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (flags != PROC_DRAIN_FINISH && flags != PROC_DRAIN_RETURN_UNSENT && flags != PROC_DRAIN_END_ALL) {
      return invalid("flags: " + std::to_string(flags) + " is unknown");
    }
    client->session.drain(flags);
    return {};
  });
}

proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, std::uint32_t max_time_us,
                           std::uint32_t* count, std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(0, max_time_us, 0);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (take == nullptr) {
      return invalid("take: NULL");
    }
    return client->session.hand_over(take, context, budget);
  });
  budget.report(count, more);
  return status;
}

proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                           std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("request", request, agones::plugin::kMovedRequestSize));
    if (request->body.data == nullptr || request->body.size == 0) {
      return invalid(request->body.size == 0 ? "request.body: empty" : "request.body: NULL");
    }
    return client->session.take_over(*request);
  });
}

proc_status proc_shutdown(proc_client* client, std::uint32_t timeout_ms, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->session.shutdown(std::chrono::milliseconds(timeout_ms));
  });
}

proc_status proc_destroy(proc_client* client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (client == nullptr) {
      return {};
    }
    PROC_TRY(check_client(client));
    PROC_TRY(client->session.may_destroy());
    delete client;
    return {};
  });
}

proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("stats", stats, agones::plugin::kStatsSize));
    proc_stats filled{};
    filled.struct_size = stats->struct_size;
    client->session.fill_stats(filled);
    agones::plugin::give_struct(filled, stats, stats->struct_size);
    return {};
  });
}

proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("metrics", metrics, agones::plugin::kMetricsSize));
    // Too large for the host's stack.
    const auto filled = std::make_unique<proc_metrics>();
    filled->struct_size = metrics->struct_size;
    client->session.fill_metrics(*filled);
    agones::plugin::give_struct(*filled, metrics, metrics->struct_size);
    return {};
  });
}

proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                std::uint64_t reason_size, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
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
