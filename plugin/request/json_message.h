// SPDX-License-Identifier: Apache-2.0
// Messages of the contract as proto3 JSON.
#pragma once

#include <string_view>

#include "request/json_text.h"
#include "request/schema.h"

namespace agones::plugin {

// Whether the bytes are such a message: then write_message() can write them.
bool is_message(std::string_view bytes, const MessageSchema& schema);

// Members come in the order of the contract. Fields that it does not know are left out.
void write_message(std::string_view bytes, const MessageSchema& schema, JsonText& json);

}  // namespace agones::plugin
