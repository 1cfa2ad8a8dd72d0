// SPDX-License-Identifier: Apache-2.0
// An event as the JSON object that proc_poll_json promises. Pure.
#pragma once

#include <string>

#include "agones/processor.h"

namespace agones::plugin {

std::string event_to_json(const proc_event& event);

}  // namespace agones::plugin
