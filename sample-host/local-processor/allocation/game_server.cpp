// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/game_server.h"

#include <algorithm>
#include <iterator>

namespace agones::local {

namespace {

constexpr const char* kNames[] = {"PortAllocation", "Creating", "Starting",  "Scheduled", "RequestReady", "Ready",
                                  "Shutdown",       "Error",    "Unhealthy", "Reserved",  "Allocated"};

}  // namespace

const char* name_of(GameServerState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<GameServerState> state_named(std::string_view name) {
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) {
    return std::nullopt;
  }
  return static_cast<GameServerState>(found - std::begin(kNames));
}

}  // namespace agones::local
