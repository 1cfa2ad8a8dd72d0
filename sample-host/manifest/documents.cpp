// SPDX-License-Identifier: Apache-2.0
#include "manifest/documents.h"

#include <utility>

#include "manifest/syntaxes.h"

namespace agones::manifest {

namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

// YAML in braces has keys without quotes, as a rule; JSON never.
bool is_json(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[')) {
    return false;
  }
  const std::size_t second = text.find_first_not_of(" \t\r\n{[", first);
  return second == std::string::npos || text[second] == '"' || text[second] == '}' || text[second] == ']';
}

}  // namespace

std::vector<Tree> read_documents(const std::string& text) {
  if (text.rfind(kByteOrderMark, 0) == 0) {
    return read_documents(text.substr(sizeof(kByteOrderMark) - 1));
  }
  if (!is_json(text)) {
    return read_yaml(text);
  }
  std::vector<Tree> documents;
  for (Tree& value : read_json(text)) {
    if (!value.is_array()) {
      documents.push_back(std::move(value));
      continue;
    }
    for (Tree& element : value) {
      documents.push_back(std::move(element));
    }
  }
  return documents;
}

}  // namespace agones::manifest
