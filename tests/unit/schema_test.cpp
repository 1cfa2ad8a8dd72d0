// SPDX-License-Identifier: Apache-2.0
// The table in plugin/request/schema.cpp against the .proto files, field by field.
#include "request/schema.h"

#include <allocation/allocation.pb.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace agones::plugin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

FieldKind kind_of(const FieldDescriptor& field) {
  if (field.is_map()) {
    return field.message_type()->map_value()->type() == FieldDescriptor::TYPE_STRING ? FieldKind::kMapString
                                                                                     : FieldKind::kMapMessage;
  }
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      return FieldKind::kString;
    case FieldDescriptor::TYPE_BOOL:
      return FieldKind::kBool;
    case FieldDescriptor::TYPE_INT32:
      return FieldKind::kInt32;
    case FieldDescriptor::TYPE_INT64:
      return FieldKind::kInt64;
    case FieldDescriptor::TYPE_UINT64:
      return FieldKind::kUint64;
    case FieldDescriptor::TYPE_ENUM:
      return FieldKind::kEnum;
    default:
      return FieldKind::kMessage;
  }
}

void expect_same(const MessageSchema& schema, const Descriptor& message, std::set<std::string>& seen) {
  EXPECT_EQ(schema.name, message.full_name());
  if (!seen.insert(message.full_name()).second) {
    return;
  }
  EXPECT_EQ(schema.fields.count, static_cast<std::size_t>(message.field_count())) << message.full_name();
  EXPECT_TRUE(std::is_sorted(schema.fields.begin(), schema.fields.end(),
                             [](const FieldSchema& a, const FieldSchema& b) { return a.number < b.number; }))
      << message.full_name();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const FieldSchema* known = schema.find(static_cast<std::uint32_t>(field.number()));
    ASSERT_NE(known, nullptr) << field.full_name();
    EXPECT_EQ(known->name, field.name());
    EXPECT_EQ(known->name, field.json_name());
    EXPECT_EQ(known->kind, kind_of(field)) << field.full_name();
    EXPECT_EQ(known->repeated, field.is_repeated() && !field.is_map()) << field.full_name();
    if (field.enum_type() != nullptr) {
      ASSERT_EQ(known->values.count, static_cast<std::size_t>(field.enum_type()->value_count()));
      for (const EnumValue& value : known->values) {
        EXPECT_EQ(field.enum_type()->FindValueByNumber(value.number)->name(), value.name);
      }
    }
    if (known->kind == FieldKind::kMessage) {
      expect_same(*known->message, *field.message_type(), seen);
    } else if (known->kind == FieldKind::kMapMessage) {
      expect_same(*known->message, *field.message_type()->map_value()->message_type(), seen);
    }
  }
}

TEST(Schema, IsTheProtoFiles) {
  std::set<std::string> seen;
  expect_same(allocation_request_schema(), *allocation::AllocationRequest::descriptor(), seen);
  expect_same(allocation_response_schema(), *allocation::AllocationResponse::descriptor(), seen);
  EXPECT_EQ(seen.size(), 19U);
}

}  // namespace
}  // namespace agones::plugin
