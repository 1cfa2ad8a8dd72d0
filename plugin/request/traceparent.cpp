// SPDX-License-Identifier: Apache-2.0
#include "request/traceparent.h"

#include <cstddef>
#include <string>

namespace agones::plugin {

namespace {

constexpr std::size_t kTrace = 3;
constexpr std::size_t kParent = 36;
constexpr std::size_t kFlags = 53;

bool is_dash(std::size_t place) {
  return place == kTrace - 1 || place == kParent - 1 || place == kFlags - 1;
}

}  // namespace

Result check_traceparent(std::string_view text) {
  if (text.size() != kTraceparentSize) {
    return invalid("traceparent: " + std::to_string(text.size()) + " characters, must have 55");
  }
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char c = text[place];
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (is_dash(place) ? c != '-' : !is_digit) {
      return invalid("traceparent: character " + std::to_string(place) + " is not " +
                     (is_dash(place) ? "a '-'" : "a small hexadecimal digit"));
    }
  }
  if (text.substr(0, 2) == "ff") {
    return invalid("traceparent: version ff is none");
  }
  const auto is_zero = [&](std::size_t begin, std::size_t end) {
    return text.substr(begin, end - begin).find_first_not_of('0') == std::string_view::npos;
  };
  if (is_zero(kTrace, kParent - 1) || is_zero(kParent, kFlags - 1)) {
    return invalid("traceparent: a trace or parent of zeros is none");
  }
  return {};
}

}  // namespace agones::plugin
