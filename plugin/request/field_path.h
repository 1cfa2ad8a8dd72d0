// SPDX-License-Identifier: Apache-2.0
// Where in a message a fault lies: "gameServerSelectors[2].matchLabels["map"]". A chain on the stack,
// so that a valid message pays nothing for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace agones::plugin {

struct FieldPath {
  const FieldPath* parent = nullptr;
  std::string_view name;    // a field
  std::int64_t index = -1;  // an element of a repeated field
  bool is_key = false;      // name is a map key

  std::string text() const;
};

// "path: problem", or the problem alone for the message itself.
std::string describe(const FieldPath& path, std::string_view problem);

// A text as it may stand in an error message: valid, printable, not too long.
std::string printable(std::string_view text);

}  // namespace agones::plugin
