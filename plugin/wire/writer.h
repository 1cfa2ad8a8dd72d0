// SPDX-License-Identifier: Apache-2.0
// How the fields of a protobuf message are written: the one place in the plugin that knows (wire/reader.h reads them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/reader.h"

namespace agones::plugin {

constexpr std::size_t kLongestVarint = 10;

constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7U) {
    ++size;
  }
  return size;
}

// Returns where the next byte goes.
inline char* write_varint(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) {
    *out++ = static_cast<char>(value | 0x80U);
  }
  *out++ = static_cast<char>(value);
  return out;
}

constexpr std::uint64_t field_tag(std::uint32_t number, WireType type) {
  return (static_cast<std::uint64_t>(number) << 3U) | static_cast<std::uint64_t>(type);
}

// Of a field of `size` bytes; its number is below 16.
constexpr std::size_t bytes_field_size(std::size_t size) {
  return 1 + varint_size(size) + size;
}

// What stands before a field's bytes.
inline void append_bytes_tag(std::string& out, std::uint32_t number, std::size_t size) {
  char buffer[2 * kLongestVarint];
  const char* const end = write_varint(write_varint(buffer, field_tag(number, WireType::kBytes)), size);
  out.append(buffer, static_cast<std::size_t>(end - buffer));
}

inline void append_bytes_field(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_bytes_tag(out, number, bytes.size());
  out.append(bytes);
}

}  // namespace agones::plugin
