// SPDX-License-Identifier: Apache-2.0
// agones/processor_host.h over agones/swap.hpp.
#include "agones/processor_host.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "agones/client.hpp"
#include "agones/swap.hpp"

struct proc_host {
  agones::SwapClient client;
};

namespace {

void copy_text(const std::string& text, char* out, std::size_t size) {
  if (out != nullptr && size > 0) {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(out, text.data(), length);
    out[length] = '\0';
  }
}

// No exception crosses the border.
template <typename Body>
proc_status guarded(char* error, std::uint64_t error_size, const Body& body) {
  try {
    return body();
  } catch (const agones::Error& fault) {
    copy_text(fault.what(), error, error_size);
    return fault.status();
  } catch (const agones::PluginError& fault) {
    copy_text(fault.what(), error, error_size);
    return fault.kind() == agones::PluginError::Kind::kWrongVersion ? PROC_ERR_VERSION : PROC_ERR_INVALID_ARGUMENT;
  } catch (const std::bad_alloc&) {
    copy_text("no memory", error, error_size);
    return PROC_ERR_NO_MEMORY;
  } catch (const std::exception& fault) {
    copy_text(fault.what(), error, error_size);
    return PROC_ERR_INTERNAL;
  }
}

}  // namespace

extern "C" {

proc_status proc_host_open(const char* plugin_path, const proc_config* config, proc_host** host, char* error,
                           std::uint64_t error_size) {
  return guarded(error, error_size, [&] {
    if (plugin_path == nullptr || config == nullptr || host == nullptr || config->struct_size < sizeof(proc_config)) {
      copy_text("plugin_path, config or host: NULL, or config.struct_size too small", error, error_size);
      return PROC_ERR_INVALID_ARGUMENT;
    }
    *host = new proc_host{{plugin_path, *config, agones::SwapClient::Options{}}};
    return PROC_OK;
  });
}

proc_status proc_host_allocate(proc_host* host, const proc_request* request, std::uint64_t* request_id, char* error,
                               std::uint64_t error_size) {
  return guarded(error, error_size, [&] {
    if (host == nullptr || request == nullptr || request->struct_size < sizeof(proc_request)) {
      copy_text("host or request: NULL, or request.struct_size too small", error, error_size);
      return PROC_ERR_INVALID_ARGUMENT;
    }
    std::string text;
    const proc_status status = host->client.allocate(*request, request_id, &text);
    copy_text(text, error, error_size);
    return status;
  });
}

proc_status proc_host_cancel(proc_host* host, std::uint64_t request_id) {
  return host == nullptr ? PROC_ERR_INVALID_ARGUMENT
                         : guarded(nullptr, 0, [&] { return host->client.cancel(request_id); });
}

proc_status proc_host_poll(proc_host* host, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                           std::uint32_t* delivered) {
  if (host == nullptr) {
    return PROC_ERR_INVALID_ARGUMENT;
  }
  return guarded(nullptr, 0, [&] {
    return host->client.poll(max_events, std::chrono::microseconds(max_time_us), std::chrono::milliseconds(wait_ms),
                             delivered);
  });
}

proc_status proc_host_swap(proc_host* host, const char* plugin_path) {
  if (host == nullptr || plugin_path == nullptr || *plugin_path == '\0') {
    return PROC_ERR_INVALID_ARGUMENT;
  }
  return guarded(nullptr, 0, [&] { return host->client.swap(plugin_path) ? PROC_OK : PROC_ERR_BUSY; });
}

proc_status proc_host_get_swap_report(const proc_host* host, proc_swap_report* report) {
  if (host == nullptr || report == nullptr || report->struct_size < sizeof(proc_swap_report)) {
    return PROC_ERR_INVALID_ARGUMENT;
  }
  return guarded(nullptr, 0, [&] {
    const agones::SwapReport now = host->client.report();
    report->state = static_cast<proc_swap_state>(now.state);
    copy_text(now.from_version, report->from_version, sizeof(report->from_version));
    copy_text(now.to_version, report->to_version, sizeof(report->to_version));
    report->moved = now.moved;
    report->drained = now.drained;
    report->longest_gap_us = static_cast<std::uint64_t>(now.longest_gap.count());
    report->unloaded = now.unloaded ? 1 : 0;
    copy_text(now.error, report->error, sizeof(report->error));
    return PROC_OK;
  });
}

proc_status proc_host_close(proc_host* host, std::uint32_t timeout_ms) {
  return guarded(nullptr, 0, [&] {
    if (host != nullptr) {
      host->client.shutdown(std::chrono::milliseconds(timeout_ms));
      delete host;
    }
    return PROC_OK;
  });
}

}  // extern "C"
