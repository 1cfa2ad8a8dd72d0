// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "manifest/syntaxes.h"
#include "manifest/tree_builder.h"

namespace agones::manifest {

namespace {

constexpr std::size_t kMostFromAliases = 1'000'000;  // values

bool is_one_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

template <typename T>
std::optional<T> number(const std::string& text) {
  const char* const start = text.data() + (text[0] == '+' ? 1 : 0);
  T value{};
  const auto [end, problem] = std::from_chars(start, text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// A scalar without quotes, as Kubernetes reads it.
Tree plain(const std::string& text) {
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) {
    return true;
  }
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) {
    return false;
  }
  const std::size_t first = text.find_first_not_of("+-");
  if (first > 1 || first == std::string::npos || text.find_first_not_of("0123456789.eE+-") != std::string::npos ||
      text.find_first_of("0123456789") > first + 1) {
    return text;
  }
  const bool leading_zero = text[first] == '0' && first + 1 < text.size();
  if (!leading_zero) {
    if (const auto value = number<std::int64_t>(text)) {
      return *value;
    }
    if (const auto value = number<std::uint64_t>(text)) {
      return *value;
    }
  }
  const auto value = number<double>(text);
  return value ? Tree(*value) : Tree(text);
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// yaml-cpp turns the escapes \N and \_ into Latin-1, where U+0085 and U+00A0 are meant.
std::string with_latin1_repaired(const std::string& text) {
  if (text.find_first_of("\x85\xA0") == std::string::npos) {
    return text;
  }
  std::string repaired;
  int continuations = 0;  // that the character before still has
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_continuation(c) && continuations == 0 && (byte == 0x85 || byte == 0xA0)) {
      repaired += '\xC2';
    }
    if (is_continuation(c)) {
      continuations = std::max(continuations - 1, 0);
    } else {
      continuations = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
    }
    repaired += c;
  }
  return repaired;
}

std::size_t values_in(const Tree& tree) {
  std::size_t count = 1;
  if (tree.is_structured()) {
    for (const Tree& part : tree) {
      count += values_in(part);
    }
  }
  return count;
}

class Handler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    position_ = mark.pos;
    line_ = place(mark).line;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (tree_.expects_key()) {
      tree_.key("", place(mark));
    } else {
      remember(anchor, tree_.add(nullptr, place(mark)));
    }
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw YAML::ParserException(mark, "an alias inside of what it stands for");
    }
    from_aliases_ += values_in(found->second);
    if (from_aliases_ > kMostFromAliases) {
      throw YAML::ParserException(mark, "aliases stand for more than " + std::to_string(kMostFromAliases) + " values");
    }
    tree_.add(found->second, place(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tree_.expects_key()) {
      if (text == "<<" && tag != "!") {
        tree_.merge_key(place(mark));
        return;
      }
      tree_.key(with_latin1_repaired(text), place(mark));
      return;
    }
    remember(anchor, tree_.add(tag == "?" ? plain(text) : Tree(with_latin1_repaired(text)), place(mark)));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    tree_.begin_array(place(mark));
    open_.push_back(anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    tree_.begin_object(place(mark));
    open_.push_back(anchor);
  }
  void OnMapEnd() override { end(); }

  Tree take() { return tree_.take(); }
  // Of the document's start.
  int position() const { return position_; }
  std::size_t line() const { return line_; }

 private:
  static Place place(const YAML::Mark& mark) { return {static_cast<std::size_t>(mark.line) + 1}; }

  void end() {
    const YAML::anchor_t anchor = open_.back();
    open_.pop_back();
    remember(anchor, tree_.end());
  }

  void remember(YAML::anchor_t anchor, const Tree& value) {
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = value;
    }
  }

  TreeBuilder tree_;
  std::vector<YAML::anchor_t> open_;
  std::map<YAML::anchor_t, Tree> anchors_;
  std::size_t from_aliases_ = 0;
  int position_ = -1;
  std::size_t line_ = 0;
};

// What the parser's own words don't say.
std::string hint_of_tabs(const std::string& text) {
  std::size_t line = 1;
  for (std::size_t start = 0; start < text.size(); ++line) {
    const std::size_t first = text.find_first_not_of(" \t", start);
    if (text.substr(start, first - start).find('\t') != std::string::npos) {
      return "; in the indentation of line " + std::to_string(line) + " is a tab, where YAML takes blanks alone";
    }
    const std::size_t end = text.find('\n', start);
    start = end == std::string::npos ? text.size() : end + 1;
  }
  return {};
}

}  // namespace

std::vector<Tree> read_yaml(const std::string& text) {
  std::vector<Tree> documents;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Handler handler;
    for (int last = -1; parser && parser.HandleNextDocument(handler); last = handler.position()) {
      // Text that no document begins with is not consumed: it would be met for ever.
      if (handler.position() == last) {
        throw std::runtime_error("line " + std::to_string(handler.line()) + ": this is no YAML");
      }
      Tree document = handler.take();
      if (!document.is_null()) {
        documents.push_back(std::move(document));
      }
    }
  } catch (const YAML::Exception& error) {
    throw std::runtime_error("line " + std::to_string(error.mark.line + 1) + ", column " +
                             std::to_string(error.mark.column + 1) + ": " + error.msg + hint_of_tabs(text));
  }
  return documents;
}

}  // namespace agones::manifest
