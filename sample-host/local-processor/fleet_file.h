// SPDX-License-Identifier: Apache-2.0
// Fleets from files: this project's JSON (fleet.example.json), or what `kubectl get gameservers -o yaml` prints.
#pragma once

#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"
#include "local-processor/allocation/policies.h"

namespace agones::local {

struct FleetFile {
  std::vector<GameServer> servers;
  std::vector<Policy> policies;  // of multi-cluster allocation
};

// Throws std::runtime_error that names the file and what is wrong in it.
FleetFile read_fleet_file(const std::string& path);
// Throws std::exception that says what is wrong.
FleetFile read_fleet(const std::string& text);

}  // namespace agones::local
