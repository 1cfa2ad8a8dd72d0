// SPDX-License-Identifier: Apache-2.0
#include "contract/names.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace agones::plugin {

namespace {

template <std::size_t size>
const char* name_in(const char* const (&names)[size], std::int32_t value) {
  return value >= 0 && static_cast<std::size_t>(value) < size ? names[value] : "?";
}

}  // namespace

const char* status_name(proc_status status) {
  static constexpr const char* kNames[] = {"OK",      "INVALID_ARGUMENT", "QUEUE_FULL", "TOO_LARGE",   "SHUT_DOWN",
                                           "BUSY",    "IN_CALLBACK",      "FORKED",     "TIMEOUT",     "NOT_FOUND",
                                           "VERSION", "NO_MEMORY",        "INTERNAL",   "NO_RESOURCES"};
  return name_in(kNames, status);
}

const char* event_type_name(proc_event_type type) {
  static constexpr const char* kNames[] = {"?", "RESULT", "ORPHAN", "CONNECTION", "LOG"};
  return name_in(kNames, type);
}

const char* outcome_name(proc_outcome outcome) {
  static constexpr const char* kNames[] = {"?",         "ALLOCATED",    "REJECTED", "TIMEOUT",
                                           "CANCELLED", "DISCONNECTED", "SHUTDOWN"};
  return name_in(kNames, outcome);
}

const char* delivery_name(proc_delivery delivery) {
  static constexpr const char* kNames[] = {"?", "NOT_SENT", "UNKNOWN", "DONE"};
  return name_in(kNames, delivery);
}

const char* connection_name(proc_connection_state state) {
  static constexpr const char* kNames[] = {"?", "CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED"};
  return name_in(kNames, state);
}

const char* severity_name(proc_severity severity) {
  static constexpr const char* kNames[] = {"?", "TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "OFF"};
  return name_in(kNames, severity);
}

}  // namespace agones::plugin
