// SPDX-License-Identifier: Apache-2.0
// What the host library exports beside what it shares with the plugin (plugin/exports/): what a plugin answers alone, passed on
// to it, and the functions of agones/processor_swap.h.
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "agones/processor_swap.h"
#include "contract/border.h"
#include "contract/client.h"
#include "contract/client_table.h"
#include "contract/config_fields.h"
#include "host/host.h"
#include "host/shared_plugins.h"

using agones::host::Host;
using agones::host::Roles;
using agones::host::Swap;
using agones::plugin::check_struct;
using agones::plugin::clients;
using agones::plugin::ClientTable;
using agones::plugin::copy_text;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::Result;
using agones::plugin::with_client;

namespace {

constexpr std::uint32_t kSwapReportSize = offsetof(proc_swap_report, error) + sizeof(proc_swap_report::error);

proc_status status_of(const agones::LibraryError& error) {
  return error.kind() == agones::LibraryError::Kind::kWrongVersion ? PROC_ERR_VERSION : PROC_ERR_INVALID_ARGUMENT;
}

// For what needs no more than the plugin that takes new requests. Nothing here throws but what the plugin's own function
// would; in front are two counted visits, to the client and to the plugin.
template <typename Call>
proc_status pass_on(const proc_client* client, char* error, std::uint64_t error_size, const Call& call) {
  const ClientTable::Visit visit(clients(), client);
  if (visit.client() == nullptr) {
    return guarded(error, error_size, [&] { return visit.refusal(); });
  }
  const Roles::Visit current = static_cast<Host*>(visit.client())->current();
  return call(current->api(), current->client());
}

}  // namespace

namespace agones::plugin {

bool forked_with_clients() {
  return host::forked_with_clients();
}

Result make_client(const proc_config& config, const proc_config& complete, std::unique_ptr<Client>& client) {
  PROC_TRY(check_config(complete));
  try {
    client = std::make_unique<Host>(config);
    return {};
  } catch (const LibraryError& fault) {
    return {status_of(fault), fault.what()};
  }
}

}  // namespace agones::plugin

extern "C" {

proc_status proc_allocate(proc_client* client, proc_format format, const void* body, std::uint64_t size,
                          std::uint32_t timeout_ms, std::uint64_t token, std::uint64_t* request_id, char* error,
                          std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.allocate(plugin, format, body, size, timeout_ms, token, request_id, error, error_size);
  });
}

proc_status proc_allocate_request(proc_client* client, const proc_request* request, std::uint64_t* request_id,
                                  char* error, std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.allocate_request(plugin, request, request_id, error, error_size);
  });
}

proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                           std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.take_over(plugin, request, error, error_size);
  });
}

proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                std::uint64_t reason_size, char* error, std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.get_connection(plugin, state, reason, reason_size, error, error_size);
  });
}

proc_unload_state proc_get_unload_state(char* reason, std::uint64_t reason_size) {
  const int clients = agones::host::clients();
  try {
    copy_text(clients != 0 ? agones::plugin::not_destroyed(clients) : std::string(), reason, reason_size);
  } catch (const std::exception&) {
    copy_text("", reason, reason_size);
  }
  return clients == 0 ? PROC_UNLOAD_SAFE : PROC_UNLOAD_BUSY;
}

proc_status proc_swap(proc_client* client, const char* file, const char* sha256, char* error,
                      std::uint64_t error_size) {
  return with_client<Host>(client, error, error_size, [&](Host& host) -> Result {
    if (file == nullptr || *file == '\0') {
      return invalid(file == nullptr ? "file: NULL" : "file: empty");
    }
    return host.start_swap(file, sha256 != nullptr ? sha256 : "");
  });
}

proc_status proc_get_swap_report(const proc_client* client, proc_swap_report* report, char* error,
                                 std::uint64_t error_size) {
  return with_client<Host>(client, error, error_size, [&](Host& host) -> Result {
    PROC_TRY(check_struct("report", report, kSwapReportSize));
    const Swap::Report now = host.swap().report();
    proc_swap_report filled{};
    filled.struct_size = report->struct_size;
    filled.state = now.state;
    copy_text(now.from_version, filled.from_version, sizeof(filled.from_version));
    copy_text(now.to_version, filled.to_version, sizeof(filled.to_version));
    filled.moved = now.moved;
    filled.drained = now.drained;
    filled.longest_gap_us = static_cast<std::uint64_t>(now.longest_gap.count());
    filled.unloaded = now.unloaded ? 1 : 0;
    copy_text(now.error, filled.error, sizeof(filled.error));
    agones::plugin::give_struct(filled, report, report->struct_size);
    return {};
  });
}

proc_status proc_get_plugin_version(const proc_client* client, char* version, std::uint64_t size, char* error,
                                    std::uint64_t error_size) {
  return with_client<Host>(client, error, error_size, [&](Host& host) {
    copy_text(host.current()->version(), version, size);
    return Result();
  });
}

}  // extern "C"
