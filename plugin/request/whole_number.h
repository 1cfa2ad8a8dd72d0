// SPDX-License-Identifier: Apache-2.0
// Whole numbers as proto3 JSON writes them: by the grammar of JSON, so also "5.0" and "1e3", but not "05". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace agones::plugin {

// None if the text is no such number, is not whole, or does not fit. Exact: no double on the way.
std::optional<std::int64_t> parse_int64(std::string_view text);

}  // namespace agones::plugin
