// SPDX-License-Identifier: Apache-2.0
// Text that came from outside, made fit for the ABI's promise that all text is UTF-8. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agones::plugin {

bool is_ascii(std::string_view text);
bool is_utf8(std::string_view text);

// At most `size` bytes of it, with no character cut in two.
std::string_view cut_utf8(std::string_view text, std::size_t size);

// What is not UTF-8 is replaced by U+FFFD.
std::string to_utf8(std::string_view text);

// The same as one line for a log: control characters are escaped ("\n", "\x1b").
std::string to_line(std::string_view text);

}  // namespace agones::plugin
