// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <allocation/allocation.pb.h>

#include "local-processor/fleet.h"

namespace agones::local {

// Whether the labels of a game server satisfy the selector's matchLabels and matchExpressions.
bool matches(const allocation::GameServerSelector& selector, const GameServer& server);

}  // namespace agones::local
