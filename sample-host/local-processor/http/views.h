// SPDX-License-Identifier: Apache-2.0
// What the HTTP side says: JSON and Prometheus' text of what fleet and processor have counted. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "local-processor/faults.h"
#include "local-processor/fleet.h"
#include "local-processor/local_processor.h"

namespace agones::local {

nlohmann::json fleet_json(const FleetChanges& all);
nlohmann::json fleets_json(const std::vector<FleetStatus>& fleets);
nlohmann::json changes_json(const FleetChanges& changes, const std::vector<FleetStatus>& fleets,
                            const ProcessorCounts& counts, bool serving, const Faults& faults);
std::string metrics_text(const std::map<GameServerState, std::size_t>& states, const ProcessorCounts& counts,
                         bool serving);

nlohmann::json explanation_json(const Explanation& explanation);

nlohmann::json faults_json(const Faults& faults);
// Those that are named change. Throws std::runtime_error that names what is wrong; then nothing has changed.
Faults changed_faults(Faults faults, const nlohmann::json& changes);

// The same of how long allocations take.
nlohmann::json updates_json(const UpdateTiming& updates);
UpdateTiming changed_updates(UpdateTiming updates, nlohmann::json changes);

}  // namespace agones::local
