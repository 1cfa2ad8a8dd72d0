// SPDX-License-Identifier: Apache-2.0
// The `traceparent` of W3C Trace Context: version, trace, parent, flags, in hexadecimal. Pure.
#pragma once

#include <string_view>

#include "base/result.h"

namespace agones::plugin {

inline constexpr std::size_t kTraceparentSize = 55;

Result check_traceparent(std::string_view text);

}  // namespace agones::plugin
