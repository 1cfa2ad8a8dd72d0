// SPDX-License-Identifier: Apache-2.0
// What <cctype> has, but whatever the process's locale is: there an I may have no small i.
#pragma once

namespace agones::plugin {

constexpr char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace agones::plugin
