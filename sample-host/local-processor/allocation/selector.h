// SPDX-License-Identifier: Apache-2.0
// Whether a game server is what a selector asks for; its state apart.
#pragma once

#include <allocation/allocation.pb.h>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

// matchLabels and matchExpressions.
bool labels_match(const allocation::GameServerSelector& selector, const Labels& labels);

bool counts_match(const allocation::GameServerSelector& selector, const std::map<std::string, Counter>& counters,
                  const std::map<std::string, List>& lists);

}  // namespace agones::local
