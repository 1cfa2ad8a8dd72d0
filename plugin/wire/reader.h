// SPDX-License-Identifier: Apache-2.0
// Walks the fields of one protobuf message in memory. Every request and every answer passes here several times, so it
// is a few inline lines instead of Protobuf's runtime. As strict as the strictest reader, Go's at the
// processor: what one of the two refuses, the other must not be sent. Fuzzing holds it against C++ Protobuf,
// tests/interop against Go.
#pragma once

#include <climits>
#include <cstdint>
#include <string_view>

namespace agones::plugin {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kFixed32 = 5 };

struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t varint = 0;  // kVarint
  std::string_view bytes;    // kBytes
};

class Reader {
 public:
  explicit Reader(std::string_view message)
      : next_(message.data()), end_(message.data() + message.size()), ok_(message.size() <= INT_MAX) {}

  // False at the end and on malformed bytes; ok() tells which. Groups are malformed: no message of the
  // contract has any.
  bool next(Field& field) {
    if (!ok_ || next_ == end_) {
      return false;
    }
    ok_ = read(field);
    return ok_;
  }

  bool ok() const { return ok_; }

 private:
  // As every Protobuf reads them.
  static constexpr int kLongestTag = 5;
  static constexpr int kLongestSize = 5;
  static constexpr int kLongestVarint = 10;

  bool read_varint(std::uint64_t& value, int longest) {
    // Nearly all are of one byte.
    if (next_ != end_ && static_cast<std::uint8_t>(*next_) < 0x80) {
      value = static_cast<std::uint8_t>(*next_++);
      return true;
    }
    return read_long_varint(value, longest);
  }

  bool read_long_varint(std::uint64_t& value, int longest) {
    value = 0;
    for (int i = 0; i < longest && next_ != end_; ++i) {
      const auto byte = static_cast<std::uint8_t>(*next_++);
      if (i == kLongestVarint - 1 && byte > 1) {
        return false;  // more than 64 bits
      }
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << (7 * i);
      if (byte < 0x80) {
        return true;
      }
    }
    return false;
  }

  bool skip(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - next_)) {
      return false;
    }
    next_ += size;
    return true;
  }

  bool read(Field& field) {
    std::uint64_t tag = 0;
    if (!read_varint(tag, kLongestTag) || tag > UINT32_MAX) {
      return false;
    }
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.type = static_cast<WireType>(tag & 7U);
    if (field.number == 0) {
      return false;
    }
    switch (field.type) {
      case WireType::kVarint:
        return read_varint(field.varint, kLongestVarint);
      case WireType::kFixed64:
        return skip(8);
      case WireType::kFixed32:
        return skip(4);
      case WireType::kBytes: {
        std::uint64_t size = 0;
        if (!read_varint(size, kLongestSize)) {
          return false;
        }
        const char* start = next_;
        if (!skip(size)) {
          return false;
        }
        field.bytes = {start, static_cast<std::size_t>(size)};
        return true;
      }
      default:
        return false;
    }
  }

  const char* next_;
  const char* end_;
  bool ok_;
};

}  // namespace agones::plugin
