// SPDX-License-Identifier: Apache-2.0
// JSON text that is written from front to back, into memory that is kept for the next one.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

#include "text/utf8.h"

namespace agones::plugin {

// rapidjson does not look whether there was memory.
struct ThrowingAllocator {
  // NOLINTBEGIN(readability-identifier-naming): rapidjson's names
  static const bool kNeedFree = true;
  void* Malloc(std::size_t size) { return Realloc(nullptr, 0, size); }
  void* Realloc(void* block, std::size_t /*size*/, std::size_t new_size) {
    if (new_size == 0) {
      std::free(block);
      return nullptr;
    }
    void* larger = std::realloc(block, new_size);
    if (larger == nullptr) {
      throw std::bad_alloc();
    }
    return larger;
  }
  static void Free(void* block) { std::free(block); }
  // NOLINTEND(readability-identifier-naming)
};

class JsonText {
 public:
  JsonText() : writer_(buffer_) {}
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;

  // Begins a new text.
  void clear() {
    // The memory of an unusually long one is not kept.
    if (buffer_.GetSize() > kKept) {
      buffer_ = Buffer();
    }
    buffer_.Clear();
    writer_.Reset(buffer_);
  }
  // Terminated by NUL, which the size does not count.
  std::string_view view() const { return {buffer_.GetString(), buffer_.GetSize()}; }

  void begin_object() { writer_.StartObject(); }
  void end_object() { writer_.EndObject(); }
  void begin_array() { writer_.StartArray(); }
  void end_array() { writer_.EndArray(); }
  void key(std::string_view name) { text(name); }
  // What is not UTF-8 is replaced.
  void text(std::string_view value) {
    if (is_utf8(value)) {
      writer_.String(value.data() != nullptr ? value.data() : "", static_cast<rapidjson::SizeType>(value.size()));
    } else {
      text(to_utf8(value));
    }
  }
  void number(std::int64_t value) { writer_.Int64(value); }
  void number(std::uint64_t value) { writer_.Uint64(value); }
  void boolean(bool value) { writer_.Bool(value); }

 private:
  static constexpr std::size_t kKept = 64U << 10U;

  using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, ThrowingAllocator>;
  Buffer buffer_;
  rapidjson::Writer<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, ThrowingAllocator> writer_;
};

}  // namespace agones::plugin
