// SPDX-License-Identifier: Apache-2.0
#include "manifest/members.h"

#include <cmath>

namespace agones::manifest {

void fail(const std::string& where, const std::string& what) {
  throw std::runtime_error(where + ": " + what);
}

const Tree* find(const Tree& object, const std::string& where, const char* name) {
  if (object.is_null()) {
    return nullptr;
  }
  if (!object.is_object()) {
    fail(where, "expected a mapping");
  }
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Tree& object_at(const Tree& object, const std::string& where, const char* name) {
  static const Tree kNone = Tree::object();
  const Tree* const found = find(object, where, name);
  if (found != nullptr && !found->is_object()) {
    fail(where + "." + name, "expected a mapping");
  }
  return found == nullptr ? kNone : *found;
}

const Tree& array_at(const Tree& object, const std::string& where, const char* name) {
  static const Tree kNone = Tree::array();
  const Tree* const found = find(object, where, name);
  if (found != nullptr && !found->is_array()) {
    fail(where + "." + name, "expected a list");
  }
  return found == nullptr ? kNone : *found;
}

std::string text_of(const Tree& value, const std::string& where) {
  if (!value.is_string()) {
    fail(where,
         value.is_structured() ? "wrong type: a text is wanted" : "wrong type: a text is wanted, put quotes around it");
  }
  return value.get<std::string>();
}

bool flag_of(const Tree& value, const std::string& where) {
  if (!value.is_boolean()) {
    fail(where, "wrong type: true or false is wanted");
  }
  return value.get<bool>();
}

std::int64_t whole_of(const Tree& given, const std::string& where, std::int64_t least, std::int64_t most) {
  constexpr double kExact = 9007199254740992;  // 2^53: up to there every whole number is one of its own
  Tree value = given;
  if (given.is_number_float() && std::abs(given.get<double>()) <= kExact &&
      std::trunc(given.get<double>()) == given.get<double>()) {
    value = static_cast<std::int64_t>(given.get<double>());
  }
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX)
                                               : value.is_number_integer();
  if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
    fail(where, "wrong type: a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                    " is wanted" + (value.is_string() ? ", without quotes" : ""));
  }
  return value.get<std::int64_t>();
}

}  // namespace agones::manifest
