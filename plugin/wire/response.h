// SPDX-License-Identifier: Apache-2.0
// The fields of an allocation.AllocationResponse that an event shows, read where they lie.
#pragma once

#include <string_view>
#include <vector>

#include "agones/processor.h"

namespace agones::plugin {

proc_text to_text(std::string_view text);

// Whether the response names a game server.
bool has_game_server(std::string_view response);

// Fills the game server fields of an event. Ports and addresses are appended to the vectors, so the
// event's pointers to them are set by the caller once the vectors stop growing; the counts are set here.
void read_response(std::string_view response, proc_event& event, std::vector<proc_port>& ports,
                   std::vector<proc_address>& addresses);

}  // namespace agones::plugin
