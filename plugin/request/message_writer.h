// SPDX-License-Identifier: Apache-2.0
// A protobuf message that is written field by field, from front to back. Of usual size it needs no memory but its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "wire/writer.h"

namespace agones::plugin {

class MessageWriter {
 public:
  MessageWriter() : begin_(inline_), next_(inline_), end_(inline_ + sizeof(inline_)) {}
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  std::string_view bytes() const { return {begin_, size()}; }
  std::size_t size() const { return static_cast<std::size_t>(next_ - begin_); }

  void varint_field(std::uint32_t number, std::uint64_t value) {
    need(2 * kLongestVarint);
    varint(field_tag(number, WireType::kVarint));
    varint(value);
  }

  void bytes_field(std::uint32_t number, std::string_view bytes) {
    need(2 * kLongestVarint + bytes.size());
    varint(field_tag(number, WireType::kBytes));
    varint(bytes.size());
    if (!bytes.empty()) {
      std::memcpy(next_, bytes.data(), bytes.size());
      next_ += bytes.size();
    }
  }

  // A field of bytes whose length is not known yet. Returns where its content begins.
  std::size_t open(std::uint32_t number) {
    need(2 * kLongestVarint);
    varint(field_tag(number, WireType::kBytes));
    *next_++ = '\0';
    return size();
  }
  // Returns how far the content moved: its length may need more than the one byte that was left for it.
  std::size_t close(std::size_t content) {
    const std::size_t length = size() - content;
    if (length < 0x80) {
      begin_[content - 1] = static_cast<char>(length);
      return 0;
    }
    return close_long(content, length);
  }

 private:
  void need(std::size_t room) {
    if (static_cast<std::size_t>(end_ - next_) < room) {
      grow(room);
    }
  }

  void grow(std::size_t room) {
    const std::size_t used = size();
    const std::size_t capacity = std::max(2 * static_cast<std::size_t>(end_ - begin_), used + room);
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), begin_, used);
    heap_ = std::move(larger);
    begin_ = heap_.get();
    next_ = begin_ + used;
    end_ = begin_ + capacity;
  }

  void varint(std::uint64_t value) { next_ = write_varint(next_, value); }

  std::size_t close_long(std::size_t content, std::size_t length) {
    need(kLongestVarint);
    const std::size_t moved = varint_size(length) - 1;
    std::memmove(begin_ + content + moved, begin_ + content, length);
    next_ = begin_ + content - 1;
    varint(length);
    next_ += length;
    return moved;
  }

  char inline_[1024];
  std::unique_ptr<char[]> heap_;
  char* begin_;
  char* next_;
  char* end_;
};

}  // namespace agones::plugin
