// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace agones::plugin {

namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";
constexpr int kLongestCharacter = 4;

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

// The bytes of the character that the text starts with, 0 if it starts with none.
std::size_t first_character(std::string_view text) {
  namespace utf = boost::locale::utf;
  const char* end = text.data();
  const utf::code_point character = utf::utf_traits<char>::decode(end, text.data() + text.size());
  return character == utf::illegal || character == utf::incomplete ? 0 : static_cast<std::size_t>(end - text.data());
}

void append_line_character(std::string_view character, std::string& line) {
  const auto first = static_cast<unsigned char>(character[0]);
  const bool is_c1 = character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  if (first >= 0x20 && first != 0x7f && !is_c1) {
    line += character;
    return;
  }
  switch (first) {
    case '\n':
      line += "\\n";
      return;
    case '\r':
      line += "\\r";
      return;
    case '\t':
      line += "\\t";
      return;
    default:
      break;
  }
  char escaped[8];
  std::snprintf(escaped, sizeof(escaped), "\\x%02x", is_c1 ? static_cast<unsigned char>(character[1]) : first);
  line += escaped;
}

}  // namespace

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const auto word_at = [&text](std::size_t place) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + place, kWord);
    return word;
  };
  if (text.size() < kWord) {
    return std::all_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
  }
  // The last word may overlap the one before.
  std::uint64_t seen = word_at(text.size() - kWord);
  for (std::size_t place = 0; place + kWord < text.size(); place += kWord) {
    seen |= word_at(place);
  }
  return (seen & kHighBits) == 0;
}

bool is_utf8(std::string_view text) {
  if (is_ascii(text)) {
    return true;
  }
  while (!text.empty()) {
    const std::size_t size = first_character(text);
    if (size == 0) {
      return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

std::string_view cut_utf8(std::string_view text, std::size_t size) {
  if (text.size() <= size) {
    return text;
  }
  std::size_t end = size;
  // Longer runs of continuation bytes are no UTF-8, and there is no character to keep whole.
  for (int i = 0; i < kLongestCharacter && end > 0 && is_continuation(text[end]); ++i) {
    --end;
  }
  return text.substr(0, is_continuation(text[end]) ? size : end);
}

std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) {
    return std::string(text);
  }
  std::string clean;
  while (!text.empty()) {
    const std::size_t size = first_character(text);
    clean += size == 0 ? std::string_view(kReplacement) : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return clean;
}

std::string to_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = first_character(text);
    if (size == 0) {
      line += kReplacement;
    } else {
      append_line_character(text.substr(0, size), line);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return line;
}

}  // namespace agones::plugin
