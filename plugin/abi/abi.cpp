// SPDX-License-Identifier: Apache-2.0
// What the plugin exports beside what it shares with the host library (exports/).
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "contract/border.h"
#include "contract/client.h"
#include "contract/client_table.h"
#include "platform/library_state.h"
#include "session/session.h"
#include "stream/grpc_runtime.h"

using agones::plugin::check_struct;
using agones::plugin::copy_text;
using agones::plugin::invalid;
using agones::plugin::Result;
using agones::plugin::Session;
using agones::plugin::with_client;
namespace library_state = agones::plugin::library_state;

namespace {

Result allocate(Session& session, const proc_request& request, std::uint64_t* request_id) {
  if (request.body.data == nullptr || request.body.size == 0) {
    return invalid(request.body.size == 0 ? "body: empty" : "body: NULL");
  }
  return session.allocate(request, request_id);
}

}  // namespace

namespace agones::plugin {

bool forked_with_clients() {
  return library_state::forked_with_clients();
}

Result make_client(const proc_config& /*config*/, const proc_config& complete, std::unique_ptr<Client>& client) {
  SessionConfig checked;
  PROC_TRY(read_config(complete, checked));
  client = std::make_unique<Session>(std::move(checked));
  return {};
}

}  // namespace agones::plugin

extern "C" {

proc_status proc_allocate(proc_client* client, proc_format format, const void* body, std::uint64_t size,
                          std::uint32_t timeout_ms, std::uint64_t token, std::uint64_t* request_id, char* error,
                          std::uint64_t error_size) {
  return with_client<Session>(client, error, error_size, [&](Session& session) {
    proc_request request{};
    request.format = format;
    request.body = {body, size};
    request.timeout_ms = timeout_ms;
    request.token = token;
    return allocate(session, request, request_id);
  });
}

proc_status proc_allocate_request(proc_client* client, const proc_request* request, std::uint64_t* request_id,
                                  char* error, std::uint64_t error_size) {
  return with_client<Session>(client, error, error_size, [&](Session& session) -> Result {
    PROC_TRY(check_struct("request", request, agones::plugin::kRequestSize));
    if (request->reserved != 0) {
      return invalid("request.reserved: " + std::to_string(request->reserved) + ", must be 0");
    }
    return allocate(session, *request, request_id);
  });
}

proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                           std::uint64_t error_size) {
  return with_client<Session>(client, error, error_size, [&](Session& session) -> Result {
    PROC_TRY(check_struct("request", request, agones::plugin::kMovedRequestSize));
    if (request->body.data == nullptr || request->body.size == 0) {
      return invalid(request->body.size == 0 ? "request.body: empty" : "request.body: NULL");
    }
    return session.take_over(*request);
  });
}

proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                std::uint64_t reason_size, char* error, std::uint64_t error_size) {
  return with_client<Session>(client, error, error_size, [&](Session& session) -> Result {
    if (state == nullptr) {
      return invalid("state: NULL");
    }
    std::string text;
    *state = session.connection(text);
    copy_text(text, reason, reason_size);
    return {};
  });
}

proc_unload_state proc_get_unload_state(char* reason, std::uint64_t reason_size) {
  try {
    std::string holds;
    if (const int clients = library_state::clients(); clients != 0) {
      holds = agones::plugin::not_destroyed(clients);
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
