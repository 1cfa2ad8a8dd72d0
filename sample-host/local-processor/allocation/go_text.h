// SPDX-License-Identifier: Apache-2.0
// Text as Go writes it, for messages that are to be those of Agones.
#pragma once

#include <string>
#include <string_view>

namespace agones::local {

// In quotes, as %q does.
std::string go_quoted(std::string_view text);
// In quotes, as encoding/json does.
std::string go_json(std::string_view text);

}  // namespace agones::local
