// SPDX-License-Identifier: Apache-2.0
// Messages of the contract as proto3 JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "request/schema.h"

namespace agones::plugin {

// Members in the order of the message, as a reader expects them.
using Json = nlohmann::ordered_json;

// None if the bytes are not such a message. Fields that the contract does not know are left out.
std::optional<Json> message_to_json(std::string_view bytes, const MessageSchema& schema);
// On one line. Text that is not UTF-8 is replaced.
std::string to_text(const Json& json);

// An allocation.AllocationResponse as text.
std::optional<std::string> response_to_json(std::string_view response);

}  // namespace agones::plugin
