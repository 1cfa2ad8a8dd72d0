// SPDX-License-Identifier: Apache-2.0
// Why a request finds what it finds: how many game servers pass each condition of its selectors, one condition after the other.
#pragma once

#include <allocation/allocation.pb.h>

#include <cstddef>
#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

struct Condition {
  std::string text;         // "agones.dev/fleet=blue"
  std::size_t passing = 0;  // this one and all before it
};

struct SelectorExplanation {
  std::string where;  // "gameServerSelectors[0]"
  std::vector<Condition> conditions;
  // If nothing passes: what those have that pass all conditions before the first that none passes; "12 ALLOCATED".
  std::string nearest;
};

struct Explanation {
  std::string problem;                         // what Agones refuses the request with; nothing else is told then
  std::vector<SelectorExplanation> selectors;  // in the order in which they are tried
  // What no game server has, and what Agones passes over without a word.
  std::vector<std::string> warnings;

  // The number of game servers that the first selector with a match has; 0: none is left.
  std::size_t matches() const;
};

// Allocates nothing.
Explanation explain(const allocation::AllocationRequest& request, const std::vector<const GameServer*>& servers);

// For people: a line for each condition.
std::string text_of(const Explanation& explanation);
// "gameServerSelectors[0]: 12 pass agones.dev/fleet=blue, none of them state READY (12 ALLOCATED)"
std::string short_text_of(const Explanation& explanation);

}  // namespace agones::local
