// SPDX-License-Identifier: Apache-2.0
// The text is read once, and the message's bytes are written as it is read: a frame for each open object or array, and
// no tree.
#include "request/json_request.h"

#include <google/protobuf/io/coded_stream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "request/field_path.h"
#include "request/protobuf_request.h"
#include "request/schema.h"
#include "request/whole_number.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

using google::protobuf::io::CodedOutputStream;

// Deeper than the contract's messages are. What nests deeper has met a wrong type before.
constexpr std::size_t kMaxDepth = 16;

constexpr std::uint32_t kMapKey = 1;
constexpr std::uint32_t kMapValue = 2;

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

// A field of bytes whose length is not known yet. Returns where its content begins.
std::size_t open_bytes_field(std::string& out, std::uint32_t number) {
  append_varint(out, (number << 3) | 2U);
  out += '\0';
  return out.size();
}

// Returns how far the content moved.
std::size_t close_bytes_field(std::string& out, std::size_t content) {
  std::uint8_t length[10];
  const std::uint8_t* end = CodedOutputStream::WriteVarint64ToArray(out.size() - content, length);
  const auto size = static_cast<std::size_t>(end - length);
  out.insert(content, size - 1, '\0');
  std::memcpy(out.data() + content - 1, length, size);
  return size - 1;
}

// What a value was, for messages.
struct Value {
  const char* type;       // as JSON calls it
  std::string_view text;  // of a string or a number
};

class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  explicit Handler(std::string& out) : out_(out) {}

  const std::string& problem() const { return problem_; }

  // What rapidjson calls. False ends the reading.
  // NOLINTBEGIN(readability-identifier-naming): rapidjson's names
  bool Null() {
    // Of a field: as if it were not there. An element or a map's value must be one.
    return (!at_root() && top().kind == Frame::Kind::kMessage) || wrong_type({"null", {}});
  }
  bool Bool(bool value) {
    const FieldSchema* field = scalar_field();
    if (field == nullptr || field->kind != FieldKind::kBool) {
      return wrong_type({"boolean", value ? "true" : "false"});
    }
    return varint(*field, value ? 1 : 0);
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) { return number({"number", {text, size}}); }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) { return string({text, size}); }
  bool StartObject() { return start_object(); }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) { return key({text, size}); }
  bool EndObject(rapidjson::SizeType /*members*/) { return end_object(); }
  bool StartArray() { return start_array(); }
  bool EndArray(rapidjson::SizeType /*elements*/) {
    --depth_;
    return true;
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  struct Frame {
    enum class Kind : std::uint8_t { kMessage, kMap, kArray };
    Kind kind = Kind::kMessage;
    const MessageSchema* message = nullptr;  // kMessage
    const FieldSchema* field = nullptr;      // kMessage: the member that is read; else what the map or array is of
    std::uint64_t given = 0;                 // kMessage: fields that were, by their place in the schema
    std::int64_t index = -1;                 // kArray: of the present element
    std::size_t content = 0;                 // kMessage: where its bytes begin in the output; kMap: the entry's
    std::size_t key_size = 0;                // kMap: of the present entry
    std::size_t first_key = 0;               // kMap: of keys_
  };
  struct KeyPlace {
    std::size_t start;
    std::size_t size;
  };

  Frame& top() { return frames_[depth_]; }
  bool at_root() const { return depth_ == 0; }

  // ---- where it is ---------------------------------------------------------------------------------

  // Calls `use` with the path of the value that is being read.
  template <typename Use>
  void with_path(const Use& use) const {
    std::array<FieldPath, kMaxDepth + 1> paths;
    std::size_t count = 0;
    const auto add = [&](FieldPath path) {
      path.parent = count == 0 ? nullptr : &paths[count - 1];
      paths[count++] = path;
    };
    for (std::size_t i = 1; i <= depth_; ++i) {
      const Frame& frame = frames_[i];
      if (frame.kind == Frame::Kind::kMessage && frame.field != nullptr) {
        FieldPath path;
        path.name = frame.field->name;
        const bool is_list = i < depth_ && frames_[i + 1].kind == Frame::Kind::kArray;
        path.index = is_list ? frames_[i + 1].index : -1;
        add(path);
      } else if (frame.kind == Frame::Kind::kMap && frame.key_size != kNoKey) {
        FieldPath path;
        path.name = key_of(frame);
        path.is_key = true;
        add(path);
      }
    }
    use(count == 0 ? FieldPath() : paths[count - 1]);
  }

  bool fail(std::string_view problem) {
    with_path([&](const FieldPath& path) { problem_ = describe(path, problem); });
    return false;
  }

  std::string_view key_of(const Frame& map) const {
    return std::string_view(out_).substr(map.content + 1 + CodedOutputStream::VarintSize64(map.key_size), map.key_size);
  }

  // ---- what may stand there ------------------------------------------------------------------------

  // The schema of the value that comes, unless it is to be an object or an array. A wrapper's value stands for it.
  const FieldSchema* scalar_field() {
    const FieldSchema* field = next_field();
    if (field == nullptr || expects_array()) {
      return nullptr;
    }
    if (field->kind == FieldKind::kMapString) {
      return top().kind == Frame::Kind::kMap ? &kMapStringValue : nullptr;
    }
    if (field->kind == FieldKind::kMapMessage) {
      return nullptr;
    }
    if (field->kind == FieldKind::kMessage) {
      return field->message->wrapper ? field->message->fields.begin() : nullptr;
    }
    return field;
  }

  // The field that the value that comes belongs to; null at the root.
  const FieldSchema* next_field() {
    if (at_root()) {
      return nullptr;
    }
    Frame& frame = top();
    if (frame.kind == Frame::Kind::kArray && !counted_) {
      ++frame.index;
      counted_ = true;
    }
    return frame.field;
  }

  bool expects_array() { return top().kind == Frame::Kind::kMessage && top().field->repeated; }
  bool expects_map() {
    return top().kind == Frame::Kind::kMessage &&
           (top().field->kind == FieldKind::kMapString || top().field->kind == FieldKind::kMapMessage);
  }

  bool wrong_type(const Value& got) {
    const FieldSchema* field = next_field();
    std::string expected;
    if (field == nullptr || (!at_root() && expects_map())) {
      expected = "an object";
    } else if (expects_array()) {
      expected = "an array";
    } else {
      expected = expected_of(scalar_field());
    }
    return fail("expected " + expected + ", got " +
                (got.text.empty() || expected.rfind("one of", 0) != 0 ? std::string(got.type) : printable(got.text)));
  }

  static std::string expected_of(const FieldSchema* field) {
    if (field == nullptr) {
      return "an object";
    }
    switch (field->kind) {
      case FieldKind::kString:
        return "a string";
      case FieldKind::kBool:
        return "true or false";
      case FieldKind::kEnum: {
        std::string names;
        for (const EnumValue& value : field->values) {
          names += names.empty() ? "one of " : ", ";
          names += value.name;
        }
        return names;
      }
      default:
        return "a whole number";
    }
  }

  // ---- values --------------------------------------------------------------------------------------

  // Elements, and values of maps and wrappers, are written even if they are the type's default.
  bool keeps_default() {
    const Frame& frame = top();
    return frame.kind != Frame::Kind::kMessage || frame.field->kind == FieldKind::kMessage;
  }

  // Before and after a value that is not an object of its own in the JSON, but a message: a wrapper's.
  std::size_t open_wrapper() {
    return top().field->kind == FieldKind::kMessage ? open_bytes_field(out_, top().field->number) : 0;
  }
  void close_wrapper(std::size_t content) {
    if (content != 0) {
      close_bytes_field(out_, content);
    }
  }

  bool varint(const FieldSchema& field, std::uint64_t value) {
    const std::size_t wrapper = open_wrapper();
    if (value != 0 || keeps_default()) {
      append_varint_field(out_, field.number, value);
    }
    close_wrapper(wrapper);
    return value_done();
  }

  bool number(const Value& value) {
    const FieldSchema* field = scalar_field();
    if (field == nullptr || field->kind == FieldKind::kString || field->kind == FieldKind::kBool) {
      return wrong_type(value);
    }
    const auto parsed = parse_int64(value.text);
    const bool is_short = field->kind == FieldKind::kEnum || field->kind == FieldKind::kInt32;
    if (!parsed || (is_short && (*parsed < std::numeric_limits<std::int32_t>::min() ||
                                 *parsed > std::numeric_limits<std::int32_t>::max()))) {
      return fail("not a whole number in range: " + printable(value.text));
    }
    return varint(*field, static_cast<std::uint64_t>(*parsed));
  }

  bool string(std::string_view text) {
    const FieldSchema* field = scalar_field();
    if (field == nullptr || field->kind == FieldKind::kBool) {
      return wrong_type({"string", text});
    }
    if (field->kind == FieldKind::kEnum) {
      for (const EnumValue& candidate : field->values) {
        if (candidate.name == text) {
          return varint(*field, static_cast<std::uint64_t>(candidate.number));
        }
      }
      return wrong_type({"string", text.empty() ? "\"\"" : text});
    }
    if (field->kind != FieldKind::kString) {
      return number({"string", text});
    }
    if (!is_utf8(text)) {
      return fail("not valid UTF-8");
    }
    const std::size_t wrapper = open_wrapper();
    if (!text.empty() || keeps_default()) {
      append_bytes_field(out_, field->number, text);
    }
    close_wrapper(wrapper);
    return value_done();
  }

  // A value has been written: an entry of a map ends with it.
  bool value_done() {
    counted_ = false;
    Frame& frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      frame.content += close_bytes_field(out_, frame.content);
      keys_.push_back({frame.content + 1 + CodedOutputStream::VarintSize64(frame.key_size), frame.key_size});
      frame.key_size = kNoKey;
    }
    return true;
  }

  // ---- objects and arrays --------------------------------------------------------------------------

  bool push(const Frame& frame) {
    if (depth_ == kMaxDepth) {
      return fail("nested too deeply");
    }
    frames_[++depth_] = frame;
    counted_ = false;
    return true;
  }

  bool start_object() {
    Frame frame;
    const FieldSchema* field = next_field();
    if (field == nullptr) {
      frame.message = &allocation_request_schema();
      return push(frame);
    }
    if (expects_array()) {
      return wrong_type({"object", {}});
    }
    if (expects_map()) {
      frame.kind = Frame::Kind::kMap;
      frame.field = field;
      frame.key_size = kNoKey;
      frame.first_key = keys_.size();
      return push(frame);
    }
    const bool is_message = field->kind == FieldKind::kMapMessage || field->kind == FieldKind::kMessage;
    if (!is_message || field->message->wrapper) {
      return wrong_type({"object", {}});
    }
    frame.message = field->message;
    frame.content = open_bytes_field(out_, field->kind == FieldKind::kMapMessage ? kMapValue : field->number);
    return push(frame);
  }

  bool key(std::string_view name) {
    Frame& frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      if (!is_utf8(name)) {
        return fail("a key that is not valid UTF-8");
      }
      frame.content = open_bytes_field(out_, frame.field->number);
      append_bytes_field(out_, kMapKey, name);
      frame.key_size = name.size();
      return true;
    }
    frame.field = nullptr;
    const FieldSchema* field = frame.message->find(name);
    if (field == nullptr) {
      with_path([&](const FieldPath& path) {
        problem_ = describe({path.name.empty() ? nullptr : &path, name}, "unknown field");
      });
      return false;
    }
    frame.field = field;
    const std::uint64_t bit = std::uint64_t{1} << (field - frame.message->fields.begin());
    if ((frame.given & bit) != 0) {
      return fail("given twice");
    }
    frame.given |= bit;
    return true;
  }

  bool end_object() {
    const Frame frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      if (!keys_differ(frame.first_key)) {
        return false;
      }
      --depth_;
      return true;
    }
    if (depth_ > 1) {
      close_bytes_field(out_, frame.content);
    }
    --depth_;
    return at_root() || value_done();
  }

  bool start_array() {
    const FieldSchema* field = next_field();
    if (field == nullptr || !expects_array()) {
      return wrong_type({"array", {}});
    }
    Frame frame;
    frame.kind = Frame::Kind::kArray;
    frame.field = field;
    return push(frame);
  }

  // Of the map that ends, whose keys lie where they were written.
  bool keys_differ(std::size_t first_key) {
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
    const auto text = [this](const KeyPlace& place) { return std::string_view(out_).substr(place.start, place.size); };
    std::sort(begin, keys_.end(), [&](const KeyPlace& a, const KeyPlace& b) { return text(a) < text(b); });
    const auto twice = std::adjacent_find(begin, keys_.end(),
                                          [&](const KeyPlace& a, const KeyPlace& b) { return text(a) == text(b); });
    if (twice != keys_.end()) {
      const std::string name(text(*twice));
      return fail("\"" + printable(name) + "\" given twice");
    }
    keys_.erase(begin, keys_.end());
    return true;
  }

  static constexpr std::size_t kNoKey = std::numeric_limits<std::size_t>::max();
  static constexpr FieldSchema kMapStringValue{kMapValue, "value", FieldKind::kString};

  std::string& out_;
  std::array<Frame, kMaxDepth + 1> frames_;  // [0] stands outside the root
  std::size_t depth_ = 0;
  bool counted_ = false;        // the element that is read has its index
  std::vector<KeyPlace> keys_;  // of the maps that are open
  std::string problem_;
};

}  // namespace

JsonRequest parse_json_request(std::string_view text) {
  JsonRequest request;
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    // To rapidjson it is the end.
    request.problem = "malformed JSON: NUL at byte " + std::to_string(nul);
    return request;
  }
  request.bytes.reserve(text.size());
  Handler handler(request.bytes);
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  const rapidjson::ParseResult result = reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, handler);
  if (!handler.problem().empty()) {
    request.problem = handler.problem();
  } else if (result.IsError()) {
    request.problem =
        "malformed JSON at byte " + std::to_string(result.Offset()) + ": " + rapidjson::GetParseError_En(result.Code());
  } else {
    request.problem = check_namespace(request.bytes);
  }
  return request;
}

}  // namespace agones::plugin
