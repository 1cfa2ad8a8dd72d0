// SPDX-License-Identifier: Apache-2.0
#include "request/protobuf_request.h"

#include <utility>

#include "request/field_path.h"
#include "request/format_hint.h"
#include "request/schema.h"
#include "text/utf8.h"
#include "wire/field_numbers.h"
#include "wire/reader.h"

namespace agones::plugin {

namespace {

using field_number::allocation_request::kMultiClusterSetting;
using field_number::allocation_request::kNamespace;

constexpr const char* kMalformed = "malformed protobuf";

bool is_varint(FieldKind kind) {
  return kind == FieldKind::kBool || kind == FieldKind::kInt32 || kind == FieldKind::kInt64 ||
         kind == FieldKind::kUint64 || kind == FieldKind::kEnum;
}

bool is_enabled(std::string_view multi_cluster_setting, bool before) {
  Reader reader(multi_cluster_setting);
  Field field;
  while (reader.next(field)) {
    if (field.number == field_number::multi_cluster_setting::kEnabled && field.type == WireType::kVarint) {
      before = field.varint != 0;
    }
  }
  return before;
}

// Looks at a request's own fields, one after another.
class NamespaceRule {
 public:
  void see(const Field& field) {
    if (field.type != WireType::kBytes) {
      return;
    }
    if (field.number == kNamespace) {
      given_ = !field.bytes.empty();
    } else if (field.number == kMultiClusterSetting) {
      several_clusters_ = is_enabled(field.bytes, several_clusters_);
    }
  }
  Result result() const { return given_ || several_clusters_ ? Result() : invalid("namespace: missing"); }

 private:
  bool given_ = false;
  bool several_clusters_ = false;
};

class Checker {
 public:
  // Of bytes that are all ASCII every text is. Mostly they are: tags and lengths are small numbers.
  explicit Checker(std::string_view bytes) : texts_are_utf8_(is_ascii(bytes)) {}

  // Of an allocation.AllocationRequest.
  Result request(std::string_view bytes) {
    NamespaceRule namespace_rule;
    Reader reader(bytes);
    Field field;
    while (reader.next(field)) {
      if (!known_value(field, allocation_request_schema(), {})) {
        return invalid(std::move(problem_));
      }
      namespace_rule.see(field);
    }
    return reader.ok() ? namespace_rule.result() : invalid(kMalformed);
  }

 private:
  // False after the first fault, which problem_ then names.
  bool message(std::string_view bytes, const MessageSchema& schema, const FieldPath& path) {
    Reader reader(bytes);
    Field field;
    while (reader.next(field)) {
      if (!known_value(field, schema, path)) {
        return false;
      }
    }
    return reader.ok() || fail(path, kMalformed);
  }

  bool known_value(const Field& field, const MessageSchema& schema, const FieldPath& path) {
    const FieldSchema* known = schema.find(field.number);
    return known == nullptr || value(field, *known, {&path, known->name});
  }

  bool fail(const FieldPath& path, std::string_view problem) {
    problem_ = describe(path, problem);
    return false;
  }

  bool text(std::string_view bytes, const FieldPath& path) {
    return texts_are_utf8_ || is_utf8(bytes) || fail(path, "not valid UTF-8");
  }

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
      case FieldKind::kBool:
      case FieldKind::kInt32:
      case FieldKind::kInt64:
      case FieldKind::kUint64:
      case FieldKind::kEnum:
        break;
    }
    return true;
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
    return reader.ok() || fail(path, kMalformed);
  }

  const bool texts_are_utf8_;
  std::string problem_;
};

}  // namespace

Result check_namespace(std::string_view bytes) {
  NamespaceRule rule;
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    rule.see(field);
  }
  return rule.result();
}

Result check_protobuf_request(std::string_view bytes) {
  Result result = Checker(bytes).request(bytes);
  if (!result.ok()) {
    result.text += hint_of_text(bytes);
  }
  return result;
}

}  // namespace agones::plugin
