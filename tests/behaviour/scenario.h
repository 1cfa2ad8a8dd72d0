// SPDX-License-Identifier: Apache-2.0
// One recorded scenario, played against this project's allocator.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace agones::test {

// What it needs that this allocator lacks; empty if it can be played.
std::string missing_for(const nlohmann::json& scenario);

// The first difference, with the step where it is; empty if all is as recorded.
std::string play(const nlohmann::json& scenario);

// The recorded table of HTTP statuses; the same.
std::string check_status_mapping(const nlohmann::json& mapping);

}  // namespace agones::test
