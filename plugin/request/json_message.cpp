// SPDX-License-Identifier: Apache-2.0
#include "request/json_message.h"

#include <map>

#include "wire/reader.h"

namespace agones::plugin {

namespace {

bool read_message(std::string_view bytes, const MessageSchema& schema, Json& out);

// 64-bit numbers are strings in proto3 JSON.
Json number(const FieldSchema& schema, std::uint64_t varint) {
  switch (schema.kind) {
    case FieldKind::kBool:
      return varint != 0;
    case FieldKind::kInt32:
      return as_int32(varint);
    case FieldKind::kInt64:
      return std::to_string(as_int64(varint));
    case FieldKind::kEnum:
      for (const EnumValue& value : schema.values) {
        if (value.number == as_int32(varint)) {
          return value.name;
        }
      }
      return as_int32(varint);
    default:
      return std::to_string(varint);
  }
}

bool read_map_entry(std::string_view bytes, const FieldSchema& schema, Json& map) {
  Reader reader(bytes);
  Field field;
  std::string key;
  Json value = schema.kind == FieldKind::kMapString ? Json("") : Json::object();
  while (reader.next(field)) {
    if (field.type != WireType::kBytes) {
      continue;
    }
    if (field.number == 1) {
      key = field.bytes;
    } else if (field.number == 2) {
      if (schema.kind == FieldKind::kMapString) {
        value = field.bytes;
      } else if (!read_message(field.bytes, *schema.message, value)) {
        return false;
      }
    }
  }
  map[key] = std::move(value);
  return reader.ok();
}

// Of a message that comes more than once: to merge is to concatenate.
using Occurrences = std::map<std::uint32_t, std::string>;

bool read_field(const Field& field, const FieldSchema& schema, Occurrences& occurrences, Json& out) {
  if (schema.kind == FieldKind::kMapString || schema.kind == FieldKind::kMapMessage) {
    Json& map = out[std::string(schema.name)];
    if (map.is_null()) {
      map = Json::object();
    }
    return field.type == WireType::kBytes && read_map_entry(field.bytes, schema, map);
  }
  Json value;
  if (schema.kind == FieldKind::kString || schema.kind == FieldKind::kMessage) {
    if (field.type != WireType::kBytes) {
      return false;
    }
    if (schema.kind == FieldKind::kString) {
      value = field.bytes;
    } else if (schema.repeated) {
      if (!read_message(field.bytes, *schema.message, value)) {
        return false;
      }
    } else {
      std::string& all = occurrences[schema.number];
      all += field.bytes;
      if (!read_message(all, *schema.message, value)) {
        return false;
      }
    }
  } else {
    if (field.type != WireType::kVarint) {
      return false;
    }
    value = number(schema, field.varint);
  }
  if (schema.repeated) {
    out[std::string(schema.name)].push_back(std::move(value));
  } else {
    out[std::string(schema.name)] = std::move(value);
  }
  return true;
}

bool read_message(std::string_view bytes, const MessageSchema& schema, Json& out) {
  out = Json::object();
  Reader reader(bytes);
  Field field;
  Occurrences occurrences;
  while (reader.next(field)) {
    const FieldSchema* known = schema.find(field.number);
    if (known != nullptr && !read_field(field, *known, occurrences, out)) {
      return false;
    }
  }
  if (schema.wrapper) {
    const FieldSchema& value = *schema.fields.begin();
    const auto found = out.find(std::string(value.name));
    Json unwrapped = found != out.end() ? *found : value.kind == FieldKind::kString ? Json("") : number(value, 0);
    out = std::move(unwrapped);
  }
  return reader.ok();
}

}  // namespace

std::optional<Json> message_to_json(std::string_view bytes, const MessageSchema& schema) {
  Json json;
  return read_message(bytes, schema, json) ? std::optional(std::move(json)) : std::nullopt;
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> response_to_json(std::string_view response) {
  const std::optional<Json> json = message_to_json(response, allocation_response_schema());
  return json ? std::optional(to_text(*json)) : std::nullopt;
}

}  // namespace agones::plugin
