// SPDX-License-Identifier: Apache-2.0
#include "contract/border.h"

#include <cxxabi.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#include "agones/processor_layout.h"
#include "base/result.h"
#include "text/english.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

proc_status status_of(int system_error) {
  switch (system_error) {
    case ENOMEM:
      return PROC_ERR_NO_MEMORY;
    case EAGAIN:  // threads
    case EPERM:   // threads, by seccomp
    case EMFILE:
    case ENFILE:
      return PROC_ERR_NO_RESOURCES;
    default:
      return PROC_ERR_INTERNAL;
  }
}

Result system_result(const std::system_error& fault) {
  const proc_status status = status_of(fault.code().value());
  try {
    return {status, text_of(fault)};
  } catch (const std::bad_alloc&) {
    return {status, {}};
  }
}

Result result_of(proc_status status, const char* text) {
  try {
    return {status, text};
  } catch (const std::bad_alloc&) {
    return {status, {}};
  }
}

}  // namespace

void copy_text(std::string_view text, char* out, std::uint64_t size) {
  if (out == nullptr || size == 0) {
    return;
  }
  const std::string_view fits = cut_utf8(text, size - 1);
  if (!fits.empty()) {
    std::memcpy(out, fits.data(), fits.size());
  }
  out[fits.size()] = '\0';
}

Result check_size(const char* name, std::uint32_t size, std::uint32_t least) {
  if (size < least) {
    return invalid(std::string(name) + ".struct_size: " + std::to_string(size) + " is less than " +
                   std::to_string(least));
  }
  return {};
}

Result check_version(std::uint32_t host_abi_version) {
  if (host_abi_version >> 16U != PROC_ABI_VERSION_MAJOR) {
    return {PROC_ERR_VERSION, "the host was built for ABI " + std::to_string(host_abi_version >> 16U) + "." +
                                  std::to_string(host_abi_version & 0xffffU) + ", this library has " +
                                  std::to_string(PROC_ABI_VERSION_MAJOR) + "." +
                                  std::to_string(PROC_ABI_VERSION_MINOR)};
  }
  return {};
}

Result check_init(const proc_config* config, proc_client** client) {
  if (client == nullptr || config == nullptr) {
    return invalid(client == nullptr ? "client: NULL" : "config: NULL");
  }
  PROC_TRY(check_size("config", config->struct_size, kConfigSize));
  return check_version(config->abi_version);
}

Result check_array(const proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                   const std::uint32_t* count) {
  if (events == nullptr || count == nullptr || capacity == 0) {
    return invalid(events == nullptr ? "events: NULL" : count == nullptr ? "count: NULL" : "capacity: 0");
  }
  return check_size("event", event_size, kEventSize);
}

std::string not_destroyed(int clients) {
  return std::to_string(clients) + " client" + (clients == 1 ? " is" : "s are") + " not destroyed";
}

Result current_exception_result() {
  try {
    throw;
  } catch (abi::__forced_unwind&) {
    throw;  // the host cancels its own thread
  } catch (const std::bad_alloc&) {
    return {PROC_ERR_NO_MEMORY, {}};
  } catch (const StatusError& error) {
    return result_of(error.status(), error.what());
  } catch (const std::system_error& fault) {
    return system_result(fault);
  } catch (const std::exception& fault) {
    return result_of(PROC_ERR_INTERNAL, fault.what());
  } catch (...) {
    return result_of(PROC_ERR_INTERNAL, "unknown fault");
  }
}

}  // namespace agones::plugin
