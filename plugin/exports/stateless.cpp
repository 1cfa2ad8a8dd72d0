// SPDX-License-Identifier: Apache-2.0
// The exported functions that need no client: the same in the plugin and in the host library.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "agones/processor.h"
#include "contract/border.h"
#include "contract/config_fields.h"
#include "contract/names.h"
#include "metrics/prometheus_text.h"
#include "request/json_message.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "wire/response.h"

using agones::plugin::check_size;
using agones::plugin::copy_text;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::Result;

namespace {

// A text that must fit as a whole.
Result give_text(std::string_view text, const char* name, char* out, std::uint64_t size, std::uint64_t* needed) {
  if (needed != nullptr) {
    *needed = text.size();
  }
  const bool fits = out != nullptr && size > text.size();
  copy_text(fits ? text : std::string_view(), out, size);
  if (!fits) {
    return {PROC_ERR_TOO_LARGE, std::string(name) + ": " + std::to_string(text.size() + 1) +
                                    " bytes are needed, there are " + std::to_string(size)};
  }
  return {};
}

// Bytes that must fit as a whole.
Result give_bytes(std::string_view bytes, const char* name, void* out, std::uint64_t size, std::uint64_t* needed) {
  if (needed != nullptr) {
    *needed = bytes.size();
  }
  if (out == nullptr || size < bytes.size()) {
    return {PROC_ERR_TOO_LARGE, std::string(name) + ": " + std::to_string(bytes.size()) +
                                    " bytes are needed, there are " + std::to_string(out == nullptr ? 0 : size)};
  }
  if (!bytes.empty()) {
    std::memcpy(out, bytes.data(), bytes.size());
  }
  return {};
}

// On its own, for the room on the stack that only JSON needs.
Result convert(std::string_view json, proc_format format, proc_unknown_fields unknown_fields, void* request,
               std::uint64_t size, std::uint64_t* needed) {
  using agones::plugin::JsonRequest;
  const JsonRequest read(
      json, format == PROC_FORMAT_MANIFEST ? JsonRequest::Form::kManifest : JsonRequest::Form::kRequest,
      unknown_fields == PROC_UNKNOWN_FIELDS_IGNORE ? JsonRequest::Unknown::kIgnore : JsonRequest::Unknown::kRefuse);
  return read.problem().empty() ? give_bytes(read.bytes(), "request", request, size, needed) : invalid(read.problem());
}

}  // namespace

extern "C" {

std::uint32_t proc_abi_version(void) {
  return PROC_ABI_VERSION;
}

const char* proc_version(void) {
  return PROC_LIBRARY_VERSION;
}

const char* proc_status_string(proc_status status) {
  return agones::plugin::status_name(status);
}

const char* proc_outcome_string(proc_outcome outcome) {
  return agones::plugin::outcome_name(outcome);
}

proc_status proc_config_init(std::uint32_t host_abi_version, proc_config* config, std::uint32_t struct_size,
                             char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(agones::plugin::check_version(host_abi_version));
    if (config == nullptr) {
      return invalid("config: NULL");
    }
    PROC_TRY(check_size("config", struct_size, agones::plugin::kConfigSize));
    proc_config defaults = agones::plugin::default_config();
    defaults.struct_size = struct_size;
    defaults.abi_version = host_abi_version;
    agones::plugin::give_struct(defaults, config, struct_size);
    return {};
  });
}

proc_status proc_config_set(proc_config* config, const char* name, const char* value, char* error,
                            std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (config == nullptr || name == nullptr || value == nullptr) {
      return invalid(config == nullptr ? "config: NULL" : name == nullptr ? "name: NULL" : "value: NULL");
    }
    PROC_TRY(check_size("config", config->struct_size, agones::plugin::kConfigSize));
    return agones::plugin::set_config_field(*config, name, value);
  });
}

void proc_config_clear(proc_config* config) {
  if (config != nullptr && config->struct_size >= agones::plugin::kConfigSize) {
    agones::plugin::clear_config_texts(*config);
  }
}

proc_status proc_response_to_json(const void* response, std::uint64_t response_size, char* json, std::uint64_t size,
                                  std::uint64_t* needed, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (response == nullptr && response_size != 0) {
      return invalid("response: NULL");
    }
    const std::string_view message(static_cast<const char*>(response), response_size);
    const agones::plugin::MessageSchema& schema = agones::plugin::allocation_response_schema();
    if (!agones::plugin::is_message(message, schema)) {
      return invalid("response: malformed protobuf");
    }
    if (const char* problem = agones::plugin::check_response(message)) {
      return invalid(std::string("response: ") + problem);
    }
    agones::plugin::JsonText written;
    agones::plugin::write_message(message, schema, written);
    return give_text(written.view(), "json", json, size, needed);
  });
}

proc_status proc_request_to_protobuf(proc_format format, const void* body, std::uint64_t body_size,
                                     proc_unknown_fields unknown_fields, void* request, std::uint64_t size,
                                     std::uint64_t* needed, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (body == nullptr && body_size != 0) {
      return invalid("body: NULL");
    }
    if (unknown_fields != PROC_UNKNOWN_FIELDS_REFUSE && unknown_fields != PROC_UNKNOWN_FIELDS_IGNORE) {
      return invalid("unknown_fields: " + std::to_string(unknown_fields) + " is neither REFUSE nor IGNORE");
    }
    const std::string_view text(static_cast<const char*>(body), body_size);
    if (format == PROC_FORMAT_PROTOBUF) {
      PROC_TRY(agones::plugin::check_protobuf_request(text));
      return give_bytes(text, "request", request, size, needed);
    }
    if (format == PROC_FORMAT_JSON || format == PROC_FORMAT_MANIFEST) {
      return convert(text, format, unknown_fields, request, size, needed);
    }
    return invalid("format: " + std::to_string(format) + " is none of PROTOBUF, JSON, MANIFEST");
  });
}

proc_status proc_metrics_to_text(const proc_stats* stats, const proc_metrics* metrics, char* text, std::uint64_t size,
                                 std::uint64_t* needed, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (stats != nullptr) {
      PROC_TRY(check_size("stats", stats->struct_size, agones::plugin::kStatsSize));
    }
    if (metrics != nullptr) {
      PROC_TRY(check_size("metrics", metrics->struct_size, agones::plugin::kMetricsSize));
    }
    return give_text(agones::plugin::prometheus_text(stats, metrics, PROC_LIBRARY_VERSION), "text", text, size, needed);
  });
}

}  // extern "C"
