// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "manifest/syntaxes.h"
#include "manifest/tree_builder.h"

namespace agones::manifest {

namespace {

constexpr char kBlanks[] = " \t\r\n";

class Handler final : public nlohmann::json_sax<Tree> {
 public:
  // `first_line`: of the value in its file.
  Handler(std::string_view value, std::size_t first_line) : value_(value), first_line_(first_line) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override {
    tree_.begin_object({});
    return true;
  }
  bool start_array(std::size_t /*elements*/) override {
    tree_.begin_array({});
    return true;
  }
  bool key(string_t& key) override {
    tree_.key(std::move(key), {});
    return true;
  }
  bool end_object() override {
    tree_.end();
    return true;
  }
  bool end_array() override { return end_object(); }
  [[noreturn]] bool parse_error(std::size_t position, const std::string& /*token*/,
                                const Tree::exception& error) override {
    const std::string_view before = value_.substr(0, position);
    const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    // Behind the place, which counts from the value's start.
    const std::string what = error.what();
    const std::size_t colon = what.find(": ");
    throw std::runtime_error("line " + std::to_string(first_line_ + lines) +
                             ": JSON: " + (colon == std::string::npos ? what : what.substr(colon + 2)));
  }

  Tree take() { return tree_.take(); }

 private:
  bool add(Tree value) {
    tree_.add(std::move(value), {});
    return true;
  }

  const std::string_view value_;
  const std::size_t first_line_;
  TreeBuilder tree_;
};

// Behind the object or array that begins here, or the line's end for anything else.
std::size_t end_of_value(const std::string& text, std::size_t start) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
      return i + 1;
    } else if (c == '\n' && depth == 0) {
      return i;
    }
  }
  return text.size();
}

bool is_separator(const std::string& text, std::size_t start) {
  return text.compare(start, 3, "---") == 0 && (start + 3 == text.size() || std::isspace(text[start + 3]) != 0) &&
         (start == 0 || text[start - 1] == '\n');
}

}  // namespace

std::vector<Tree> read_json(const std::string& text) {
  std::vector<Tree> values;
  std::size_t line = 1;
  std::size_t counted = 0;  // up to here, for the line
  for (std::size_t start = text.find_first_not_of(kBlanks); start != std::string::npos;
       start = text.find_first_not_of(kBlanks, start)) {
    if (is_separator(text, start)) {
      start += 3;
      continue;
    }
    line += static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                                text.begin() + static_cast<std::ptrdiff_t>(start), '\n'));
    counted = start;
    const std::size_t end = end_of_value(text, start);
    const auto value = std::string_view(text).substr(start, end - start);
    Handler handler(value, line);
    Tree::sax_parse(value.begin(), value.end(), &handler);
    values.push_back(handler.take());
    start = end;
  }
  return values;
}

}  // namespace agones::manifest
