// SPDX-License-Identifier: Apache-2.0
// The text is read once, and the message's bytes are written as it is read: a frame for each open object or array, and
// no tree.
#include "request/json_request.h"

#include <rapidjson/error/en.h>
// Without RAPIDJSON_SSE2: its fast path lets control characters from 0x1a to 0x1f stand in a string.
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "request/field_path.h"
#include "request/format_hint.h"
#include "request/protobuf_request.h"
#include "request/schema.h"
#include "request/whole_number.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

// Deeper than the contract's messages are. What nests deeper has met a wrong type before.
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kFewKeys = 16;
// Of what is passed over.
constexpr std::size_t kMaxSkippedDepth = 32;
// Of what is passed over in one request, for messages.
constexpr std::size_t kMostIgnoredNames = 16;

constexpr std::uint32_t kMapKey = 1;
constexpr std::uint32_t kMapValue = 2;

// A copy that rapidjson may change as it reads: strings lose their escapes where they stand.
class Copy {
 public:
  explicit Copy(std::string_view text) : begin_(inline_) {
    if (text.size() >= sizeof(inline_)) {
      heap_.reset(new char[text.size() + 1]);
      begin_ = heap_.get();
    }
    if (!text.empty()) {
      std::memcpy(begin_, text.data(), text.size());
    }
    begin_[text.size()] = '\0';
  }
  char* begin() { return begin_; }

 private:
  char inline_[2048];
  std::unique_ptr<char[]> heap_;
  char* begin_;
};

// What a value was, for messages.
struct Value {
  const char* type;       // as JSON calls it
  std::string_view text;  // of a string or a number
};

class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  // `strings_are_utf8`: that was found out for all of them at once.
  Handler(MessageWriter& out, std::string& problem, bool strings_are_utf8, JsonRequest::Form form,
          JsonRequest::Unknown unknown)
      : out_(out),
        problem_(problem),
        strings_are_utf8_(strings_are_utf8),
        is_manifest_(form == JsonRequest::Form::kManifest),
        ignores_(unknown == JsonRequest::Unknown::kIgnore),
        root_(is_manifest_ ? allocation_manifest_schema() : allocation_request_schema()) {
    frames_[0] = Frame();
  }

  bool has_namespace() const { return has_namespace_; }
  std::uint64_t ignored() const { return ignored_; }
  std::vector<std::string> take_ignored_names() { return std::move(ignored_names_); }
  // Of a text of which nothing is unknown but what the other form has: empty, or the way to give it.
  std::string_view other_form() const {
    if (!of_other_form_) {
      return {};
    }
    return is_manifest_ ? "; this is an AllocationRequest, to be given in the format JSON"
                        : "; this is a manifest of Kubernetes, to be given in the format MANIFEST";
  }
  // A manifest is good without any member, so that a request would become one that asks for nothing.
  bool is_no_manifest() const { return is_manifest_ && of_other_form_ && !of_own_form_; }

  // What rapidjson calls. False ends the reading.
  // NOLINTBEGIN(readability-identifier-naming): rapidjson's names
  bool Null() {
    // Of a field: as if it were not there. An element or a map's value must be one.
    return skip() || (!at_root() && top().kind == Frame::Kind::kMessage) || wrong_type({"null", {}});
  }
  bool Bool(bool value) {
    if (skip()) {
      return true;
    }
    const FieldSchema* field = scalar_field();
    if (field == nullptr || field->kind != FieldKind::kBool) {
      return wrong_type({"boolean", value ? "true" : "false"});
    }
    return varint(*field, value ? 1 : 0);
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    return skip() || number({"number", {text, size}});
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) { return skip() || string({text, size}); }
  bool StartObject() { return skips() ? skip_into() : start_object(); }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) { return skipped_ > 0 || key({text, size}); }
  bool EndObject(rapidjson::SizeType /*members*/) { return skip_out_of() || end_object(); }
  bool StartArray() { return skips() ? skip_into() : start_array(); }
  bool EndArray(rapidjson::SizeType /*elements*/) {
    if (!skip_out_of()) {
      --depth_;
    }
    return true;
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  struct Frame {
    enum class Kind : std::uint8_t { kMessage, kMap, kArray };
    Kind kind;
    std::int32_t index;            // kArray: of the present element
    const MessageSchema* message;  // kMessage
    const FieldSchema* field;      // kMessage: the member that is read; else what the map or array is of
    std::uint32_t given;           // kMessage: fields that were, by their place in the schema
    std::uint32_t content;         // kMessage: where its bytes begin in the output; kMap: the entry's
    std::uint32_t key_size;        // kMap: of the present entry
    std::uint32_t first_key;       // kMap: of keys_

    Frame() : Frame(Kind::kMessage, nullptr, nullptr, 0) {}
    Frame(Kind its_kind, const MessageSchema* its_message, const FieldSchema* its_field, std::size_t its_content)
        : kind(its_kind),
          index(-1),
          message(its_message),
          field(its_field),
          given(0),
          content(static_cast<std::uint32_t>(its_content)),
          key_size(kNoKey),
          first_key(0) {}
  };
  static constexpr std::uint32_t kNoKey = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kNoContent =
      std::numeric_limits<std::uint32_t>::max();  // the root's, an inlined one's
  struct KeyPlace {
    std::uint32_t start;
    std::uint32_t size;
  };

  static bool is_namespace(const FieldSchema& field) {
    return &field == allocation_request_schema().fields.begin() ||
           &field == allocation_manifest_schema().find("metadata")->message->fields.begin();
  }

  // ---- what is passed over: the value of a member that says nothing ---------------------------------------

  bool skips() const { return skips_value_ || skipped_ > 0; }
  // A value without others in it.
  bool skip() {
    const bool skipped = skips();
    skips_value_ = false;
    return skipped;
  }
  bool skip_into() {
    skips_value_ = false;
    return ++skipped_ <= kMaxSkippedDepth || fail("nested too deeply");
  }
  bool skip_out_of() {
    const bool skipped = skipped_ > 0;
    skipped_ -= skipped ? 1 : 0;
    return skipped;
  }

  // ---- what is not known ---------------------------------------------------------------------------------

  // Whether the member that begins is one of the other form's: then the whole text may be.
  void note_form(std::string_view name, bool known) {
    // That a request has members of its own form is never asked.
    if (depth_ != 1 || (known && !is_manifest_)) {
      return;
    }
    const MessageSchema& other = is_manifest_ ? allocation_request_schema() : allocation_manifest_schema();
    const bool of_other = other.find(name) != nullptr;
    of_own_form_ = of_own_form_ || (known && !of_other);
    of_other_form_ = of_other_form_ || (!known && of_other);
  }

  // Passes over a name in the member that is read, with its value.
  void ignore(std::string_view name, char before) {
    ++ignored_;
    if (ignored_names_.size() == kMostIgnoredNames) {
      return;
    }
    std::string place;
    for (std::size_t i = 1; i <= depth_; ++i) {
      if (frames_[i].kind == Frame::Kind::kMessage && frames_[i].field != nullptr) {
        place += (place.empty() ? "" : ".") + std::string(frames_[i].field->name);
      }
    }
    if (!place.empty()) {
      place += before;
    }
    ignored_names_.push_back(place + printable(name));
  }

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
        path.name = text_of(key_place(frame));
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

  static KeyPlace key_place(const Frame& map) {
    return {map.content + 1 + static_cast<std::uint32_t>(varint_size(map.key_size)), map.key_size};
  }
  std::string_view text_of(const KeyPlace& place) const { return out_.bytes().substr(place.start, place.size); }

  bool is_good(std::string_view text) const { return strings_are_utf8_ || is_utf8(text); }

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
      case FieldKind::kInt32:
      case FieldKind::kInt64:
      case FieldKind::kUint64:
        return "a whole number";
      case FieldKind::kMessage:
      case FieldKind::kMapString:
      case FieldKind::kMapMessage:
        break;
    }
    return "an object";
  }

  // ---- values --------------------------------------------------------------------------------------

  // Elements, and values of maps and wrappers, are written even if they are the type's default.
  bool keeps_default() {
    const Frame& frame = top();
    return frame.kind != Frame::Kind::kMessage || frame.field->kind == FieldKind::kMessage;
  }

  // Before and after a value that is not an object of its own in the JSON, but a message: a wrapper's.
  std::size_t open_wrapper() { return top().field->kind == FieldKind::kMessage ? out_.open(top().field->number) : 0; }
  void close_wrapper(std::size_t content) {
    if (content != 0) {
      out_.close(content);
    }
  }

  bool varint(const FieldSchema& field, std::uint64_t value) {
    const std::size_t wrapper = open_wrapper();
    if (field.number != 0 && (value != 0 || keeps_default())) {
      out_.varint_field(field.number, value);
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
      if (ignores_ && !is_manifest_) {
        ignore(text, '=');
        return value_done();
      }
      return wrong_type({"string", text.empty() ? "\"\"" : text});
    }
    if (field->kind != FieldKind::kString) {
      return number({"string", text});
    }
    if (!is_good(text)) {
      return fail("not valid UTF-8");
    }
    has_namespace_ = has_namespace_ || (!text.empty() && is_namespace(*field));
    const std::size_t wrapper = open_wrapper();
    if (!text.empty() || keeps_default()) {
      out_.bytes_field(field->number, text);
    }
    close_wrapper(wrapper);
    return value_done();
  }

  // A value has been written: an entry of a map ends with it.
  bool value_done() {
    counted_ = false;
    Frame& frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      frame.content += static_cast<std::uint32_t>(out_.close(frame.content));
      keys_.push_back(key_place(frame));
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
    const FieldSchema* field = next_field();
    if (field == nullptr) {
      return push(Frame(Frame::Kind::kMessage, &root_, nullptr, kNoContent));
    }
    if (expects_array()) {
      return wrong_type({"object", {}});
    }
    if (expects_map()) {
      Frame map(Frame::Kind::kMap, nullptr, field, 0);
      map.first_key = static_cast<std::uint32_t>(keys_.size());
      return push(map);
    }
    const bool is_message = field->kind == FieldKind::kMapMessage || field->kind == FieldKind::kMessage;
    if (!is_message || field->message->wrapper) {
      return wrong_type({"object", {}});
    }
    if (field->inlined) {
      return push(Frame(Frame::Kind::kMessage, field->message, nullptr, kNoContent));
    }
    const std::uint32_t number = field->kind == FieldKind::kMapMessage ? kMapValue : field->number;
    return push(Frame(Frame::Kind::kMessage, field->message, nullptr, out_.open(number)));
  }

  bool key(std::string_view name) {
    Frame& frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      if (!is_good(name)) {
        return fail("a key that is not valid UTF-8");
      }
      frame.content = static_cast<std::uint32_t>(out_.open(frame.field->number));
      out_.bytes_field(kMapKey, name);
      frame.key_size = static_cast<std::uint32_t>(name.size());
      return true;
    }
    frame.field = nullptr;
    const FieldSchema* field = frame.message->find(name);
    if (field == nullptr && frame.message->open) {
      skips_value_ = true;
      return true;
    }
    note_form(name, field != nullptr);
    if (field == nullptr && ignores_) {
      ignore(name, '.');
      skips_value_ = true;
      return true;
    }
    if (field == nullptr) {
      with_path([&](const FieldPath& path) {
        problem_ = describe({path.name.empty() ? nullptr : &path, name}, "unknown field");
      });
      problem_ += other_form();
      return false;
    }
    frame.field = field;
    const std::uint32_t bit = std::uint32_t{1} << (field - frame.message->fields.begin());
    if ((frame.given & bit) != 0) {
      return fail("given twice");
    }
    frame.given |= bit;
    return true;
  }

  bool end_object() {
    const Frame& frame = top();
    if (frame.kind == Frame::Kind::kMap) {
      if (!keys_differ(frame.first_key)) {
        return false;
      }
      --depth_;
      return true;
    }
    if (frame.content != kNoContent) {
      out_.close(frame.content);
    }
    --depth_;
    return at_root() || value_done();
  }

  bool start_array() {
    const FieldSchema* field = next_field();
    if (field == nullptr || !expects_array()) {
      return wrong_type({"array", {}});
    }
    return push(Frame(Frame::Kind::kArray, nullptr, field, 0));
  }

  // Of the map that ends, whose keys lie where they were written.
  bool keys_differ(std::uint32_t first_key) {
    const std::size_t count = keys_.size() - first_key;
    KeyPlace* const begin = keys_.data() + first_key;
    const KeyPlace* const end = begin + count;
    const KeyPlace* twice = count <= kFewKeys ? find_twice(begin, end) : sort_and_find_twice(begin, begin + count);
    if (twice != end) {
      return fail("\"" + printable(text_of(*twice)) + "\" given twice");
    }
    keys_.resize(first_key);
    return true;
  }

  bool same(const KeyPlace& a, const KeyPlace& b) const { return a.size == b.size && text_of(a) == text_of(b); }

  const KeyPlace* find_twice(const KeyPlace* begin, const KeyPlace* end) const {
    for (const KeyPlace* key = begin; key != end; ++key) {
      for (const KeyPlace* earlier = begin; earlier != key; ++earlier) {
        if (same(*earlier, *key)) {
          return key;
        }
      }
    }
    return end;
  }

  const KeyPlace* sort_and_find_twice(KeyPlace* begin, KeyPlace* end) const {
    std::sort(begin, end, [this](const KeyPlace& a, const KeyPlace& b) { return text_of(a) < text_of(b); });
    return std::adjacent_find(begin, end, [this](const KeyPlace& a, const KeyPlace& b) { return same(a, b); });
  }

  static constexpr FieldSchema kMapStringValue{kMapValue, "value", FieldKind::kString};

  MessageWriter& out_;
  std::string& problem_;
  const bool strings_are_utf8_;
  const bool is_manifest_;
  const bool ignores_;
  const MessageSchema& root_;
  bool of_own_form_ = false;    // a member of the root was, and the other form has none of that name
  bool of_other_form_ = false;  // the other way round
  std::uint64_t ignored_ = 0;
  std::vector<std::string> ignored_names_;
  bool has_namespace_ = false;
  bool skips_value_ = false;  // the one that comes
  std::size_t skipped_ = 0;   // objects and arrays that are open in it
  bool counted_ = false;      // the element that is read has its index
  std::size_t depth_ = 0;
  std::array<Frame, kMaxDepth + 1> frames_;                  // [0] stands outside the root
  boost::container::small_vector<KeyPlace, kFewKeys> keys_;  // of the maps that are open
};

}  // namespace

JsonRequest::JsonRequest(std::string_view json, Form form, Unknown unknown) {
  if (const std::size_t nul = json.find('\0'); nul != std::string_view::npos) {
    // To rapidjson it is the end.
    problem_ = "malformed JSON: NUL at byte " + std::to_string(nul);
    return;
  }
  // Without escapes, strings are parts of the text.
  Handler handler(message_, problem_, json.find('\\') == std::string_view::npos && is_utf8(json), form, unknown);
  Copy copy(json);
  rapidjson::InsituStringStream stream(copy.begin());
  rapidjson::Reader reader;
  const rapidjson::ParseResult result =
      reader.Parse<rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag>(stream, handler);
  if (!problem_.empty()) {
    return;
  }
  if (result.IsError()) {
    problem_ =
        "malformed JSON at byte " + std::to_string(result.Offset()) + ": " + rapidjson::GetParseError_En(result.Code());
    if (const std::string_view hint = hint_of_yaml(json); !hint.empty()) {
      problem_.erase(problem_.find_last_not_of('.') + 1);
      problem_ += hint;
    }
    return;
  }
  if (handler.is_no_manifest()) {
    problem_ = "spec: missing" + std::string(handler.other_form());
  } else if (form == Form::kManifest && !handler.has_namespace()) {
    message_.bytes_field(allocation_request_schema().find("namespace")->number, "default");
  } else if (!handler.has_namespace()) {
    problem_ = check_namespace(bytes()).text;
    problem_ += problem_.empty() ? "" : handler.other_form();
  }
  ignored_ = handler.ignored();
  ignored_names_ = handler.take_ignored_names();
}

}  // namespace agones::plugin
