// SPDX-License-Identifier: Apache-2.0
// What a text is that was given in a format that it is not in, and the way to give it. For messages alone.
#pragma once

#include <string_view>

namespace agones::plugin {

// Empty, or what is to be said behind the problem, beginning with "; ". Of bytes that are no AllocationRequest:
std::string_view hint_of_text(std::string_view bytes);
// Of a text that is no JSON:
std::string_view hint_of_yaml(std::string_view text);

}  // namespace agones::plugin
