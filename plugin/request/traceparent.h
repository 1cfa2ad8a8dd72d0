// SPDX-License-Identifier: Apache-2.0
// The `traceparent` of W3C Trace Context: version, trace, parent, flags, in hexadecimal. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agones::plugin {

inline constexpr std::size_t kTraceparentSize = 55;

// Empty, or what is wrong with it.
std::string check_traceparent(std::string_view text);

}  // namespace agones::plugin
