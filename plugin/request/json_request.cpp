// SPDX-License-Identifier: Apache-2.0
#include "request/json_request.h"

#include <google/protobuf/io/coded_stream.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "request/field_path.h"
#include "request/schema.h"

namespace agones::plugin {

namespace {

using google::protobuf::io::CodedOutputStream;
using nlohmann::json;

// Deeper than any request can be; keeps hostile input from exhausting the host thread's stack.
constexpr int kMaxDepth = 16;

// The first fault found; unwinds to parse_json_request and no further.
struct Fault {
  std::string problem;
};

[[noreturn]] void fail(const FieldPath& path, const std::string& problem) {
  throw Fault{describe(path, problem)};
}

void append_varint(std::string& out, std::uint64_t value) {
  std::uint8_t buffer[10];
  const std::uint8_t* end = CodedOutputStream::WriteVarint64ToArray(value, buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(end - buffer));
}

void append_varint_field(std::string& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, number << 3);
  append_varint(out, value);
}

void append_bytes_field(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_varint(out, (number << 3) | 2U);
  append_varint(out, bytes.size());
  out += bytes;
}

// A number as proto3 JSON allows it: a JSON number without a fraction, or a decimal in a string.
template <typename Number>
Number read_number(const json& value, const FieldPath& path) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number <= static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) {
      return static_cast<Number>(number);
    }
  } else if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (std::numeric_limits<Number>::is_signed &&
        number >= static_cast<std::int64_t>(std::numeric_limits<Number>::min())) {
      return static_cast<Number>(number);
    }
  } else if (value.is_number_float()) {
    // Such as 1e3. Every whole number below 2^53 is exact.
    const double number = value.get<double>();
    const bool exact = std::trunc(number) == number && std::abs(number) < 9007199254740992.0;
    if (exact && (number >= 0 || std::numeric_limits<Number>::is_signed) &&
        std::abs(number) <= static_cast<double>(std::numeric_limits<Number>::max())) {
      return static_cast<Number>(number);
    }
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) {
      return number;
    }
  } else {
    fail(path, std::string("expected a whole number, got ") + value.type_name());
  }
  fail(path, "not a whole number in range: " + printable(value.dump()));
}

std::int32_t read_enum(const json& value, const FieldSchema& schema, const FieldPath& path) {
  for (const EnumValue& candidate : schema.values) {
    if (value.is_string() ? value.get_ref<const std::string&>() == candidate.name : value == candidate.number) {
      return candidate.number;
    }
  }
  std::string names;
  for (const EnumValue& candidate : schema.values) {
    names += names.empty() ? "" : ", ";
    names += candidate.name;
  }
  fail(path, "expected one of " + names + ", got " + printable(value.dump()));
}

const std::string& read_string(const json& value, const FieldPath& path) {
  if (!value.is_string()) {
    fail(path, std::string("expected a string, got ") + value.type_name());
  }
  return value.get_ref<const std::string&>();
}

void append_message(std::string& out, const json& value, const MessageSchema& schema, const FieldPath& path);

std::string message_bytes(const json& value, const MessageSchema& schema, const FieldPath& path) {
  std::string bytes;
  append_message(bytes, value, schema, path);
  return bytes;
}

// `keep_default`: elements and wrapped values are written even if they are the type's default.
void append_value(std::string& out, const json& value, const FieldSchema& schema, const FieldPath& path,
                  bool keep_default) {
  std::uint64_t varint = 0;
  switch (schema.kind) {
    case FieldKind::kString: {
      const std::string& text = read_string(value, path);
      if (!text.empty() || keep_default) {
        append_bytes_field(out, schema.number, text);
      }
      return;
    }
    case FieldKind::kMessage:
      append_bytes_field(out, schema.number, message_bytes(value, *schema.message, path));
      return;
    case FieldKind::kBool:
      if (!value.is_boolean()) {
        fail(path, std::string("expected true or false, got ") + value.type_name());
      }
      varint = value.get<bool>() ? 1 : 0;
      break;
    case FieldKind::kInt32:
      varint = static_cast<std::uint64_t>(std::int64_t{read_number<std::int32_t>(value, path)});
      break;
    case FieldKind::kInt64:
      varint = static_cast<std::uint64_t>(read_number<std::int64_t>(value, path));
      break;
    case FieldKind::kUint64:
      varint = read_number<std::uint64_t>(value, path);
      break;
    case FieldKind::kEnum:
      varint = static_cast<std::uint64_t>(read_enum(value, schema, path));
      break;
    case FieldKind::kMapString:
    case FieldKind::kMapMessage:
      return;
  }
  if (varint != 0 || keep_default) {
    append_varint_field(out, schema.number, varint);
  }
}

void append_map(std::string& out, const json& value, const FieldSchema& schema, const FieldPath& path) {
  if (!value.is_object()) {
    fail(path, std::string("expected an object, got ") + value.type_name());
  }
  for (const auto& [key, item] : value.items()) {
    const FieldPath entry_path{&path, key, -1, true};
    std::string entry;
    append_bytes_field(entry, 1, key);
    append_bytes_field(entry, 2,
                       schema.kind == FieldKind::kMapString ? read_string(item, entry_path)
                                                            : message_bytes(item, *schema.message, entry_path));
    append_bytes_field(out, schema.number, entry);
  }
}

void append_message(std::string& out, const json& value, const MessageSchema& schema, const FieldPath& path) {
  if (schema.wrapper) {
    append_value(out, value, *schema.fields.begin(), path, true);
    return;
  }
  if (!value.is_object()) {
    fail(path, std::string("expected an object, got ") + value.type_name());
  }
  for (const auto& [name, item] : value.items()) {
    const FieldSchema* field = schema.find(name);
    const FieldPath field_path{&path, name};
    if (field == nullptr) {
      fail(field_path, "unknown field");
    }
    if (item.is_null()) {
      continue;
    }
    if (field->kind == FieldKind::kMapString || field->kind == FieldKind::kMapMessage) {
      append_map(out, item, *field, field_path);
    } else if (field->repeated) {
      if (!item.is_array()) {
        fail(field_path, std::string("expected an array, got ") + item.type_name());
      }
      std::int64_t index = 0;
      for (const json& element : item) {
        append_value(out, element, *field, {&path, name, index++}, true);
      }
    } else {
      append_value(out, item, *field, field_path, false);
    }
  }
}

// Parses the text; refuses what nlohmann::json would let pass: two members of one name, and depth.
json parse(std::string_view text) {
  std::vector<std::set<std::string>> names;
  const auto check = [&names](int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxDepth) {
      throw Fault{"JSON nested too deeply"};
    }
    if (event == json::parse_event_t::object_start) {
      names.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      names.pop_back();
    } else if (event == json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second) {
      throw Fault{printable(value.get<std::string>()) + ": given twice"};
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    // A parse error, or a number that no double can hold.
    // Such as "[json.exception.parse_error.101] parse error at line 1, column 9: ...".
    const std::string what = error.what();
    const std::size_t text_start = what.find("] ");
    throw Fault{"malformed JSON: " + (text_start == std::string::npos ? what : what.substr(text_start + 2))};
  }
}

}  // namespace

JsonRequest parse_json_request(std::string_view text) {
  JsonRequest request;
  try {
    const json body = parse(text);
    append_message(request.bytes, body, allocation_request_schema(), {});
    const auto name = body.find("namespace");
    if (name == body.end() || name->is_null() || name->get_ref<const std::string&>().empty()) {
      request.problem = "namespace: missing";
    }
  } catch (const Fault& fault) {
    request.problem = fault.problem;
  }
  return request;
}

}  // namespace agones::plugin
