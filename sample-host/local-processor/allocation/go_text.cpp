// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/go_text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace agones::local {

namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::string_view bytes;
};

// Protobuf's strings are UTF-8.
CodePoint first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t value = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < std::min(size, text.size()); ++i) {
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return {value, text.substr(0, size)};
}

// Controls, spaces but the usual one, invisible characters, private use.
bool is_printable(std::uint32_t c) {
  constexpr std::uint32_t kOthers[][2] = {{0x00, 0x1f},     {0x7f, 0xa0},     {0xad, 0xad},       {0x61c, 0x61c},
                                          {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f},   {0x2028, 0x202f},
                                          {0x205f, 0x206f}, {0x3000, 0x3000}, {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
                                          {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xf0000, 0x10ffff}};
  return std::none_of(std::begin(kOthers), std::end(kOthers),
                      [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  char text[16];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string quoted(const CodePoint& c) {
  constexpr char kControls[] = "abtnvfr";  // from 7 on
  if (c.value == '"' || c.value == '\\') {
    return "\\" + std::string(c.bytes);
  }
  if (is_printable(c.value)) {
    return std::string(c.bytes);
  }
  if (c.value >= 7 && c.value <= 13) {
    return std::string("\\") + kControls[c.value - 7];
  }
  if (c.value < 0x20 || c.value == 0x7f) {
    return format("\\x%02x", c.value);
  }
  return c.value < 0x10000 ? format("\\u%04x", c.value) : format("\\U%08x", c.value);
}

std::string json(const CodePoint& c) {
  switch (c.value) {
    case '"':
    case '\\':
      return "\\" + std::string(c.bytes);
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '<':
    case '>':
    case '&':
    case 0x2028:
    case 0x2029:
      return format("\\u%04x", c.value);
    default:
      return c.value < 0x20 ? format("\\u%04x", c.value) : std::string(c.bytes);
  }
}

template <typename Write>
std::string in_quotes(std::string_view text, Write write) {
  std::string result = "\"";
  while (!text.empty()) {
    const CodePoint c = first_of(text);
    result += write(c);
    text.remove_prefix(c.bytes.size());
  }
  return result + '"';
}

}  // namespace

std::string go_quoted(std::string_view text) {
  return in_quotes(text, quoted);
}

std::string go_json(std::string_view text) {
  return in_quotes(text, json);
}

}  // namespace agones::local
