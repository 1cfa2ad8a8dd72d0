// SPDX-License-Identifier: Apache-2.0
#include "request/field_path.h"

namespace agones::plugin {

std::string FieldPath::text() const {
  std::string text = parent != nullptr ? parent->text() : std::string();
  if (is_key) {
    text += "[\"" + printable(name) + "\"]";
  } else if (!name.empty()) {
    text += text.empty() ? "" : ".";
    text += printable(name);
  }
  if (index >= 0) {
    text += "[" + std::to_string(index) + "]";
  }
  return text;
}

std::string describe(const FieldPath& path, std::string_view problem) {
  std::string text = path.text();
  if (!text.empty()) {
    text += ": ";
  }
  return text += problem;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  std::string clean;
  for (const char c : text.substr(0, kLongest)) {
    clean += (c >= 0x20 && c < 0x7f) ? c : '?';
  }
  return text.size() > kLongest ? clean + "..." : clean;
}

}  // namespace agones::plugin
