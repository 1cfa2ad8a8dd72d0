// SPDX-License-Identifier: Apache-2.0
// Events as JSON objects, as proc_poll_json hands them out.
#pragma once

#include "agones/processor.h"
#include "request/json_text.h"

namespace agones::plugin {

void write_event(const proc_event& event, JsonText& json);

}  // namespace agones::plugin
