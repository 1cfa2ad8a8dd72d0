// SPDX-License-Identifier: Apache-2.0
#include "request/protobuf_request.h"

#include "request/field_path.h"
#include "request/schema.h"
#include "text/utf8.h"
#include "wire/reader.h"

namespace agones::plugin {

namespace {

// Field numbers of the contract (proto/allocation/allocation.proto).
constexpr std::uint32_t kNamespace = 1;
constexpr std::uint32_t kMultiClusterSetting = 2;
constexpr std::uint32_t kMultiClusterEnabled = 1;

bool is_varint(FieldKind kind) {
  return kind == FieldKind::kBool || kind == FieldKind::kInt32 || kind == FieldKind::kInt64 ||
         kind == FieldKind::kUint64 || kind == FieldKind::kEnum;
}

class Checker {
 public:
  // False after the first fault, which problem() then names.
  bool message(std::string_view bytes, const MessageSchema& schema, const FieldPath& path) {
    Reader reader(bytes);
    Field field;
    while (reader.next(field)) {
      const FieldSchema* known = schema.find(field.number);
      if (known != nullptr && !value(field, *known, {&path, known->name})) {
        return false;
      }
    }
    return reader.ok() || fail(path, "malformed protobuf");
  }

  const std::string& problem() const { return problem_; }

 private:
  bool fail(const FieldPath& path, std::string_view problem) {
    problem_ = describe(path, problem);
    return false;
  }

  bool text(std::string_view bytes, const FieldPath& path) { return is_utf8(bytes) || fail(path, "not valid UTF-8"); }

  bool value(const Field& field, const FieldSchema& schema, const FieldPath& path) {
    // A packed list of numbers would be legal as well, but the contract has no repeated number.
    if (field.type != (is_varint(schema.kind) ? WireType::kVarint : WireType::kBytes)) {
      return fail(path, "malformed protobuf: wrong wire type");
    }
    switch (schema.kind) {
      case FieldKind::kString:
        return text(field.bytes, path);
      case FieldKind::kMessage:
        return message(field.bytes, *schema.message, path);
      case FieldKind::kMapString:
      case FieldKind::kMapMessage:
        return map_entry(field.bytes, schema, path);
      default:
        return true;
    }
  }

  bool map_entry(std::string_view bytes, const FieldSchema& schema, const FieldPath& path) {
    Reader reader(bytes);
    Field field;
    std::string_view key;
    while (reader.next(field)) {
      if (field.number != 1 && field.number != 2) {
        continue;
      }
      if (field.type != WireType::kBytes) {
        return fail(path, "malformed protobuf: wrong wire type");
      }
      if (field.number == 1) {
        key = field.bytes;
        if (!text(key, path)) {
          return false;
        }
        continue;
      }
      const FieldPath entry{&path, key, -1, true};
      const bool good = schema.kind == FieldKind::kMapString ? text(field.bytes, entry)
                                                             : message(field.bytes, *schema.message, entry);
      if (!good) {
        return false;
      }
    }
    return reader.ok() || fail(path, "malformed protobuf");
  }

  std::string problem_;
};

bool is_enabled(std::string_view multi_cluster_setting, bool before) {
  Reader reader(multi_cluster_setting);
  Field field;
  while (reader.next(field)) {
    if (field.number == kMultiClusterEnabled && field.type == WireType::kVarint) {
      before = field.varint != 0;
    }
  }
  return before;
}

}  // namespace

std::string check_namespace(std::string_view bytes) {
  Reader reader(bytes);
  Field field;
  bool given = false;
  bool several_clusters = false;
  while (reader.next(field)) {
    if (field.number == kNamespace && field.type == WireType::kBytes) {
      given = !field.bytes.empty();
    } else if (field.number == kMultiClusterSetting && field.type == WireType::kBytes) {
      several_clusters = is_enabled(field.bytes, several_clusters);
    }
  }
  return given || several_clusters ? "" : "namespace: missing";
}

std::string check_protobuf_request(std::string_view bytes) {
  Checker checker;
  if (!checker.message(bytes, allocation_request_schema(), {})) {
    return checker.problem();
  }
  return check_namespace(bytes);
}

}  // namespace agones::plugin
