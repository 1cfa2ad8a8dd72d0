// SPDX-License-Identifier: Apache-2.0
// The two formats of fleet files, for read_fleet(). What is wrong is thrown as std::runtime_error that names its place.
#pragma once

#include <string>
#include <vector>

#include "local-processor/fleet_file.h"
#include "manifest/documents.h"

namespace agones::local {

// {"gameServers": [...], "policies": [...]}
void add_own_format(const manifest::Tree& root, FleetFile& file);
// An object of Kubernetes, or a list of them.
void add_object(const manifest::Tree& object, const std::string& where, FleetFile& file);

// A Fleet of Agones.
FleetSpec read_fleet_object(const manifest::Tree& object, const std::string& where, FileWarnings& warnings);

// A fleet is made in memory, whatever its file asks for.
void check_room_for(std::size_t replicas, const std::vector<GameServer>& servers, const std::string& where);

}  // namespace agones::local
