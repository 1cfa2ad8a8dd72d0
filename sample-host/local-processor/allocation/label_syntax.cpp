// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/label_syntax.h"

#include <algorithm>

namespace agones::local {

namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestPrefix = 253;

constexpr char kNameRule[] =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr char kPrefixRule[] =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr char kValueRule[] =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

std::string too_long(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " bytes";
}

bool is_name(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// One part between the dots of a DNS name.
bool is_dns_label(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

void check_prefix(std::string_view prefix, std::vector<std::string>& problems) {
  if (prefix.empty()) {
    problems.emplace_back("prefix part must be non-empty");
    return;
  }
  if (prefix.size() > kLongestPrefix) {
    problems.push_back("prefix part " + too_long(kLongestPrefix));
  }
  if (!is_dns_subdomain(prefix)) {
    problems.push_back(std::string("prefix part ") + kPrefixRule);
  }
}

// As Unicode has it: beside A to Z, two characters have a small ASCII letter.
std::string lower_case(std::string_view text) {
  std::string lower;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "\u212a") {  // KELVIN SIGN
      lower += 'k';
      i += 2;
    } else if (text.substr(i, 2) == "\u0130") {  // LATIN CAPITAL LETTER I WITH DOT ABOVE
      lower += 'i';
      i += 1;
    } else {
      lower += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    }
  }
  return lower;
}

}  // namespace

std::vector<std::string> problems_of_label_key(std::string_view key) {
  std::vector<std::string> problems;
  std::string_view name = key;
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos) {
    if (key.find('/', slash + 1) != std::string_view::npos) {
      problems.push_back(std::string("a valid label key ") + kNameRule +
                         " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
      return problems;
    }
    check_prefix(key.substr(0, slash), problems);
    name = key.substr(slash + 1);
  }
  if (name.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (name.size() > kLongestName) {
    problems.push_back("name part " + too_long(kLongestName));
  }
  if (!is_name(name)) {
    problems.push_back(std::string("name part ") + kNameRule);
  }
  return problems;
}

std::vector<std::string> problems_of_label_value(std::string_view value) {
  std::vector<std::string> problems;
  if (value.size() > kLongestName) {
    problems.push_back(too_long(kLongestName));
  }
  if (!value.empty() && !is_name(value)) {
    problems.emplace_back(kValueRule);
  }
  return problems;
}

std::vector<std::string> problems_of_annotation_key(std::string_view key) {
  return problems_of_label_key(lower_case(key));
}

}  // namespace agones::local
