// SPDX-License-Identifier: Apache-2.0
#include "request/json_message.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <charconv>
#include <string>

#include "wire/reader.h"

namespace agones::plugin {

namespace {

constexpr std::size_t kFewFields = 32;
constexpr std::size_t kFewEntries = 16;

bool is_map(const FieldSchema& schema) {
  return schema.kind == FieldKind::kMapString || schema.kind == FieldKind::kMapMessage;
}

bool is_text_or_message(const FieldSchema& schema) {
  return is_map(schema) || schema.kind == FieldKind::kString || schema.kind == FieldKind::kMessage;
}

// ---- Looking at it ----------------------------------------------------------------------------------

bool is_map_entry(std::string_view bytes, const FieldSchema& schema) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    const bool is_message_value =
        field.number == 2 && field.type == WireType::kBytes && schema.kind == FieldKind::kMapMessage;
    if (is_message_value && !is_message(field.bytes, *schema.message)) {
      return false;
    }
  }
  return reader.ok();
}

bool is_field(const Field& field, const FieldSchema& schema) {
  if (field.type != (is_text_or_message(schema) ? WireType::kBytes : WireType::kVarint)) {
    return false;
  }
  if (is_map(schema)) {
    return is_map_entry(field.bytes, schema);
  }
  return schema.kind != FieldKind::kMessage || is_message(field.bytes, *schema.message);
}

// ---- Writing it -------------------------------------------------------------------------------------

struct KnownField {
  const FieldSchema* schema;
  Field field;
};
using KnownFields = boost::container::small_vector<KnownField, kFewFields>;

// In the order of the contract; what comes more than once, in its own order.
KnownFields known_fields(std::string_view bytes, const MessageSchema& schema) {
  KnownFields fields;
  bool in_order = true;
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (const FieldSchema* known = schema.find(field.number)) {
      in_order = in_order && (fields.empty() || fields.back().schema <= known);
      fields.push_back({known, field});
    }
  }
  if (!in_order) {
    std::stable_sort(fields.begin(), fields.end(),
                     [](const KnownField& a, const KnownField& b) { return a.schema < b.schema; });
  }
  return fields;
}

// 64-bit numbers are strings in proto3 JSON.
template <typename Number>
void write_long(Number number, JsonText& json) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  json.text({digits, static_cast<std::size_t>(end - digits)});
}

void write_enum(const FieldSchema& schema, std::int32_t number, JsonText& json) {
  for (const EnumValue& value : schema.values) {
    if (value.number == number) {
      json.text(value.name);
      return;
    }
  }
  json.number(std::int64_t{number});
}

void write_value(const FieldSchema& schema, const Field& field, JsonText& json) {
  switch (schema.kind) {
    case FieldKind::kString:
      json.text(field.bytes);
      break;
    case FieldKind::kMessage:
      write_message(field.bytes, *schema.message, json);
      break;
    case FieldKind::kBool:
      json.boolean(field.varint != 0);
      break;
    case FieldKind::kInt32:
      json.number(std::int64_t{as_int32(field.varint)});
      break;
    case FieldKind::kInt64:
      write_long(as_int64(field.varint), json);
      break;
    case FieldKind::kEnum:
      write_enum(schema, as_int32(field.varint), json);
      break;
    case FieldKind::kUint64:
      write_long(field.varint, json);
      break;
    case FieldKind::kMapString:
    case FieldKind::kMapMessage:
      break;  // of entries, never a value
  }
}

struct MapEntry {
  std::string_view key;
  std::string_view value;
  bool comes_again = false;
};

MapEntry read_map_entry(std::string_view bytes) {
  MapEntry entry;
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.type == WireType::kBytes && field.number == 1) {
      entry.key = field.bytes;
    } else if (field.type == WireType::kBytes && field.number == 2) {
      entry.value = field.bytes;
    }
  }
  return entry;
}

using MapEntries = boost::container::small_vector<MapEntry, kFewEntries>;

// Of a key that comes more than once, the last counts. Sorted, not hashed: a hash is one that a processor can foresee, and make
// every key collide.
void keep_last(MapEntries& entries) {
  if (entries.size() < 2) {
    return;
  }
  boost::container::small_vector<const MapEntry*, kFewEntries> by_key;
  for (const MapEntry& entry : entries) {
    by_key.push_back(&entry);
  }
  std::sort(by_key.begin(), by_key.end(),
            [](const MapEntry* a, const MapEntry* b) { return a->key != b->key ? a->key < b->key : a < b; });
  bool any = false;
  for (std::size_t i = 0; i + 1 < by_key.size(); ++i) {
    if (by_key[i]->key == by_key[i + 1]->key) {
      entries[static_cast<std::size_t>(by_key[i] - entries.data())].comes_again = any = true;
    }
  }
  if (any) {
    entries.erase(
        std::remove_if(entries.begin(), entries.end(), [](const MapEntry& entry) { return entry.comes_again; }),
        entries.end());
  }
}

void write_map(const FieldSchema& schema, const KnownField* begin, const KnownField* end, JsonText& json) {
  MapEntries entries;
  for (const KnownField* known = begin; known != end; ++known) {
    entries.push_back(read_map_entry(known->field.bytes));
  }
  keep_last(entries);
  json.begin_object();
  for (const MapEntry& entry : entries) {
    json.key(entry.key);
    if (schema.kind == FieldKind::kMapString) {
      json.text(entry.value);
    } else {
      write_message(entry.value, *schema.message, json);
    }
  }
  json.end_object();
}

// Every occurrence of a field.
void write_field(const KnownField* begin, const KnownField* end, JsonText& json) {
  const FieldSchema& schema = *begin->schema;
  if (is_map(schema)) {
    write_map(schema, begin, end, json);
  } else if (schema.repeated) {
    json.begin_array();
    for (const KnownField* known = begin; known != end; ++known) {
      write_value(schema, known->field, json);
    }
    json.end_array();
  } else if (schema.kind == FieldKind::kMessage && end - begin > 1) {
    // To merge messages is to concatenate them.
    std::string all;
    for (const KnownField* known = begin; known != end; ++known) {
      all += known->field.bytes;
    }
    write_message(all, *schema.message, json);
  } else {
    write_value(schema, (end - 1)->field, json);
  }
}

}  // namespace

bool is_message(std::string_view bytes, const MessageSchema& schema) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    const FieldSchema* known = schema.find(field.number);
    if (known != nullptr && !is_field(field, *known)) {
      return false;
    }
  }
  return reader.ok();
}

void write_message(std::string_view bytes, const MessageSchema& schema, JsonText& json) {
  const KnownFields fields = known_fields(bytes, schema);
  if (schema.wrapper) {
    write_value(*schema.fields.begin(), fields.empty() ? Field() : fields.back().field, json);
    return;
  }
  json.begin_object();
  const KnownField* const end = fields.data() + fields.size();
  for (const KnownField* begin = fields.data(); begin != end;) {
    const KnownField* next = std::find_if(begin, end, [&](const KnownField& f) { return f.schema != begin->schema; });
    json.key(begin->schema->name);
    write_field(begin, next, json);
    begin = next;
  }
  json.end_object();
}

}  // namespace agones::plugin
