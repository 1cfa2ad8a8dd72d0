// SPDX-License-Identifier: Apache-2.0
// The constants' names without their prefix; "?" for what is none.
#pragma once

#include "agones/processor.h"

namespace agones::plugin {

const char* status_name(proc_status status);
const char* event_type_name(proc_event_type type);
const char* outcome_name(proc_outcome outcome);
const char* delivery_name(proc_delivery delivery);
const char* connection_name(proc_connection_state state);
const char* severity_name(proc_severity severity);

}  // namespace agones::plugin
