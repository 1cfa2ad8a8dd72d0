// SPDX-License-Identifier: Apache-2.0
// What every exported function does around its work, in the plugin and in the host library: nothing that is thrown
// crosses the border, errors become a status and a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "agones/processor.h"
#include "base/result.h"

namespace agones::plugin {

// NUL-terminated, cut to fit. NULL and 0 are allowed.
void copy_text(std::string_view text, char* out, std::uint64_t size);

// A struct of the host's may be longer than `least`, never shorter.
Result check_size(const char* name, std::uint32_t size, std::uint32_t least);
// The same for a pointer to it, which may be NULL by mistake.
template <typename Struct>
Result check_struct(const char* name, const Struct* given, std::uint32_t least) {
  return given == nullptr ? invalid(std::string(name) + ": NULL") : check_size(name, given->struct_size, least);
}
// Fills a struct of the host's that has `size` bytes: what this library does not know of it is 0.
template <typename Struct>
void give_struct(const Struct& filled, Struct* out, std::uint32_t size) {
  const std::size_t known = std::min<std::size_t>(size, sizeof(Struct));
  std::memcpy(out, &filled, known);
  std::memset(reinterpret_cast<char*>(out) + known, 0, size - known);
}
Result check_version(std::uint32_t host_abi_version);

// What the arguments of these functions are checked for first.
Result check_init(const proc_config* config, proc_client** client);
Result check_array(const proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                   const std::uint32_t* count);
// What proc_get_unload_state says as long as there are some.
std::string not_destroyed(int clients);

// What the structs of ABI 1.0 end with.
inline constexpr std::uint32_t kConfigSize = offsetof(proc_config, log_context) + sizeof(void*);
inline constexpr std::uint32_t kRequestSize = offsetof(proc_request, traceparent) + sizeof(proc_text);
inline constexpr std::uint32_t kMovedRequestSize = offsetof(proc_moved_request, traceparent) + sizeof(proc_text);
inline constexpr std::uint32_t kEventSize = offsetof(proc_event, traceparent) + sizeof(proc_text);
inline constexpr std::uint32_t kStatsSize = offsetof(proc_stats, unknown_fields) + sizeof(std::uint64_t);
inline constexpr std::uint32_t kMetricsSize = offsetof(proc_metrics, queue_depth) + sizeof(proc_histogram);

// For a catch (...) block: the status and text of what is being handled. A thread's cancellation goes on.
Result current_exception_result() noexcept(false);

// Runs an exported function's body: its failure becomes a status and a text, whatever it throws.
template <typename Body>
proc_status guarded(char* error, std::uint64_t error_size, const Body& body) {
  Result result;
  try {
    result = body();
  } catch (...) {
    result = current_exception_result();
  }
  if (!result.ok()) {
    copy_text(result.text.empty() ? std::string_view("no memory") : std::string_view(result.text), error, error_size);
  }
  return result.status;
}

}  // namespace agones::plugin
