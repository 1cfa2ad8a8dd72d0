// SPDX-License-Identifier: Apache-2.0
// Why a request finds what it finds among the game servers of a live cluster, from what kubectl has printed of them.
#pragma once

#include <iosfwd>
#include <string>

namespace check {

// `game_servers`: a file, or "-"; `request`: JSON, or a file with a request or a GameServerAllocation. Whether something was found.
// Throws std::runtime_error that names what can't be read.
bool explain(const std::string& game_servers, const std::string& request, std::ostream& out);

}  // namespace check
