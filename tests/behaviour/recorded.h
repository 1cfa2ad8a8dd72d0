// SPDX-License-Identifier: Apache-2.0
// What the recordings of Agones and this project's own types have in common.
#pragma once

#include <allocation/allocation.pb.h>

#include <nlohmann/json.hpp>
#include <string>

#include "local-processor/allocation/answer.h"
#include "local-processor/allocation/game_server.h"

namespace agones::test {

// Reads a file of JSON, one document.
nlohmann::json read_json(const std::string& path);

// What of a recorded game server an AllocationResponse says too. Throws std::runtime_error, as all here, for what it
// can't make sense of.
allocation::AllocationResponse response_from(const nlohmann::json& game_server);
local::GameServer game_server_from(const nlohmann::json& recorded);
std::vector<local::GameServer> game_servers_from(const nlohmann::json& recorded);

template <typename Message>
Message message_from(const nlohmann::json& json);

// Empty if they are the same; the time of an allocation need only be one, and recent.
std::string difference(const allocation::AllocationResponse& expected, const allocation::AllocationResponse& actual);
// `expected`: a response or an error as it was recorded.
std::string difference(const nlohmann::json& expected, const local::AllocationResult& result,
                       const allocation::AllocationResponse& response);

// A response as the game server's state afterwards must be.
std::string difference(const allocation::AllocationResponse& expected, const local::GameServer& actual);

}  // namespace agones::test
