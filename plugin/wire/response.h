// SPDX-License-Identifier: Apache-2.0
// The fields of an allocation.AllocationResponse that an event shows, read where they lie.
#pragma once

#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "agones/processor.h"

namespace agones::plugin {

proc_text to_text(std::string_view text);

// Whether the response names a game server.
bool has_game_server(std::string_view response);

// Null if read_response() can be used, in little time and memory; else what is wrong with the response. The limits are
// far beyond any game server: Kubernetes keeps no object of more than 1.5 MB.
const char* check_response(std::string_view response);

// What the pointers of an event point to, beside the response itself.
struct ResponseParts {
  std::vector<proc_port> ports;
  std::vector<proc_address> addresses;
  std::vector<proc_field> fields;          // of a log line
  std::forward_list<std::string> cleaned;  // texts that were not UTF-8
  void clear();
};

// The text, or, if it is not UTF-8, what is shown in its place, which the parts keep.
proc_text to_clean_text(std::string_view text, ResponseParts& parts);

// Fills the game server fields of an event.
void read_response(std::string_view response, proc_event& event, ResponseParts& parts);

}  // namespace agones::plugin
