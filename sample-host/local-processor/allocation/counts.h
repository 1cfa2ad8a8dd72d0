// SPDX-License-Identifier: Apache-2.0
// Room in counters and lists, and what requests do to them.
#pragma once

#include <allocation/allocation.pb.h>

#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

// May be negative; wraps at the ends of 64 bits, as Agones' arithmetic does.
std::int64_t available(const Counter& counter);
std::int64_t available(const List& list);

// What can't be done is left out with a warning, in the words of the Kubernetes event that tells of it.
using Warnings = std::vector<std::string>;
void act_on_counters(const allocation::AllocationRequest& request, GameServer& server, Warnings& warnings);
void act_on_lists(const allocation::AllocationRequest& request, GameServer& server, Warnings& warnings);

}  // namespace agones::local
