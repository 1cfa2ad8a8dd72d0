// SPDX-License-Identifier: Apache-2.0
// Walks the fields of one protobuf message in memory, on protobuf's own CodedInputStream.
#pragma once

#include <google/protobuf/io/coded_stream.h>

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
      : data_(message),
        input_(reinterpret_cast<const std::uint8_t*>(message.data()),
               message.size() <= INT_MAX ? static_cast<int>(message.size()) : 0),
        ok_(message.size() <= INT_MAX) {}

  // False at the end and on malformed bytes; ok() tells which. Groups are malformed: no message of the
  // contract has any.
  bool next(Field& field) {
    if (!ok_ || input_.CurrentPosition() == static_cast<int>(data_.size())) {
      return false;
    }
    ok_ = read(field);
    return ok_;
  }

  bool ok() const { return ok_; }

 private:
  bool read(Field& field) {
    // At most five bytes, as every Protobuf reads tags; ReadTag() alone would cut a longer one off.
    const int start = input_.CurrentPosition();
    std::uint64_t tag = 0;
    if (!input_.ReadVarint64(&tag) || input_.CurrentPosition() - start > 5 || tag > UINT32_MAX) {
      return false;
    }
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.type = static_cast<WireType>(tag & 7U);
    if (field.number == 0) {
      return false;
    }
    switch (field.type) {
      case WireType::kVarint:
        return input_.ReadVarint64(&field.varint);
      case WireType::kFixed64:
        return input_.Skip(8);
      case WireType::kFixed32:
        return input_.Skip(4);
      case WireType::kBytes: {
        std::uint32_t size = 0;
        if (!input_.ReadVarint32(&size) || size > INT_MAX) {
          return false;
        }
        const auto position = static_cast<std::size_t>(input_.CurrentPosition());
        if (size > data_.size() - position) {
          return false;
        }
        field.bytes = data_.substr(position, size);
        return input_.Skip(static_cast<int>(size));
      }
      default:
        return false;
    }
  }

  std::string_view data_;
  google::protobuf::io::CodedInputStream input_;
  bool ok_;
};

}  // namespace agones::plugin
