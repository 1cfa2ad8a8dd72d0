// SPDX-License-Identifier: Apache-2.0
// The messages of proto/allocation/allocation.proto as data: one table for checking protobuf requests,
// reading JSON requests and writing JSON answers. proto/generate makes it of the .proto file.
#pragma once

#include <cstdint>
#include <string_view>

namespace agones::plugin {

enum class FieldKind : std::uint8_t {
  kString,
  kBool,
  kInt32,
  kInt64,
  kUint64,
  kEnum,
  kMessage,
  kMapString,
  kMapMessage
};

// A list of constant things, as C++20's std::span.
template <typename T>
struct ConstSpan {
  const T* items = nullptr;
  std::size_t count = 0;
  const T* begin() const { return items; }
  const T* end() const { return items + count; }
};

struct EnumValue {
  std::string_view name;
  std::int32_t number;
};

struct MessageSchema;

struct FieldSchema {
  std::uint32_t number;
  std::string_view name;  // as in the .proto, which is its JSON name as well
  FieldKind kind;
  bool repeated = false;
  const MessageSchema* message = nullptr;  // kMessage, kMapMessage
  ConstSpan<EnumValue> values = {};        // kEnum
  // kMessage: its fields are fields of the message that it stands in.
  bool inlined = false;
};

struct MessageSchema {
  std::string_view name;
  ConstSpan<FieldSchema> fields;  // in the order of their numbers
  // A well-known wrapper (Int64Value, StringValue): in JSON it is its value alone.
  bool wrapper = false;
  // Members that it does not name may stand in JSON, and say nothing.
  bool open = false;

  const FieldSchema* find(std::uint32_t number) const;
  const FieldSchema* find(std::string_view field_name) const;
};

const MessageSchema& allocation_request_schema();
const MessageSchema& allocation_response_schema();
// A GameServerAllocation of Kubernetes, in JSON, as the AllocationRequest that it means. Fields of number 0 are looked at and not written.
const MessageSchema& allocation_manifest_schema();

// What a varint of the wire is as a number of this kind. kInt64 and kEnum are the same bits.
inline std::int32_t as_int32(std::uint64_t varint) {
  return static_cast<std::int32_t>(varint);
}
inline std::int64_t as_int64(std::uint64_t varint) {
  return static_cast<std::int64_t>(varint);
}

}  // namespace agones::plugin
