// SPDX-License-Identifier: Apache-2.0
// Fleets from files: this project's JSON (fleet.example.json), what `kubectl get gameservers -o yaml` prints, or manifests as they are
// applied.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"
#include "local-processor/allocation/policies.h"
#include "local-processor/fleet_template.h"

namespace agones::local {

// A GameServer without a status.
struct SingleSpec {
  std::string name;    // or
  std::string prefix;  // generateName
  Template of;
};

// What is odd in a file, and read all the same: with its place.
using FileWarnings = std::vector<std::string>;

// A FleetAutoscaler, and the fleet that it is for.
struct AutoscalerSpec {
  std::string where;
  std::string space;
  std::string fleet;
  Autoscaler autoscaler;
};

struct FleetFile {
  std::vector<GameServer> servers;
  std::vector<FleetSpec> fleets;
  std::vector<SingleSpec> singles;                 // have become servers
  std::vector<AutoscalerSpec> autoscalers;         // are the fleets' own
  std::vector<Policy> policies;                    // of multi-cluster allocation
  std::map<std::string, std::size_t> passed_over;  // objects of other kinds, by kind
  FileWarnings warnings;
};

// Files, folders (their files that end in .yaml, .yml or .json, in order), or "-" for standard input; together they are one fleet.
// Throws std::runtime_error that names the file and what is wrong in it.
FleetFile read_fleet_files(const std::vector<std::string>& paths);
// The same of a text. Throws std::exception that says what is wrong.
FleetFile read_fleet(const std::string& text);

// What is to be said of a file that was read: a line for each warning, of many the first, and one for what was passed over.
std::vector<std::string> notes_on(const FleetFile& file);
// "3 Pod, 1 Service"; empty: nothing was passed over.
std::string describe_passed_over(const FleetFile& file);

}  // namespace agones::local
