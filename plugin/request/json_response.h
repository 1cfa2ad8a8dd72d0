// SPDX-License-Identifier: Apache-2.0
// An allocation.AllocationResponse as proto3 JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace agones::plugin {

// None if the bytes are not such a message. Fields that the contract does not know are left out.
std::optional<std::string> response_to_json(std::string_view response);

}  // namespace agones::plugin
