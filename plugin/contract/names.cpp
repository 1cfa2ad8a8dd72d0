// SPDX-License-Identifier: Apache-2.0
#include "contract/names.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace agones::plugin {

namespace {

#include "contract/enum_names.inc"

template <std::size_t size>
const char* name_in(const char* const (&names)[size], std::int32_t value) {
  return value >= 0 && static_cast<std::size_t>(value) < size ? names[value] : "?";
}

}  // namespace

const char* status_name(proc_status status) {
  return name_in(kStatusNames, status);
}

const char* event_type_name(proc_event_type type) {
  return name_in(kEventTypeNames, type);
}

const char* outcome_name(proc_outcome outcome) {
  return name_in(kOutcomeNames, outcome);
}

const char* delivery_name(proc_delivery delivery) {
  return name_in(kDeliveryNames, delivery);
}

const char* connection_name(proc_connection_state state) {
  return name_in(kConnectionStateNames, state);
}

const char* severity_name(proc_severity severity) {
  return name_in(kSeverityNames, severity);
}

}  // namespace agones::plugin
