// SPDX-License-Identifier: Apache-2.0
// Typed members of a tree; what is wrong is named with its place ("document 1.spec.replicas: wrong type").
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "manifest/documents.h"

namespace agones::manifest {

using Texts = std::map<std::string, std::string>;

[[noreturn]] void fail(const std::string& where, const std::string& what);

// Null and undefined members, and those of what is null itself, are left out: null.
const Tree* find(const Tree& object, const std::string& where, const char* name);

// A member that is an object, or an empty one; every element of a member that is an array; every member of an object.
const Tree& object_at(const Tree& object, const std::string& where, const char* name);
const Tree& array_at(const Tree& object, const std::string& where, const char* name);

std::string text_of(const Tree& value, const std::string& where);
bool flag_of(const Tree& value, const std::string& where);
// A whole number from `least` to `most`.
std::int64_t whole_of(const Tree& value, const std::string& where, std::int64_t least, std::int64_t most);

template <typename T>
T value_of(const Tree& value, const std::string& where) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text_of(value, where);
  } else if constexpr (std::is_same_v<T, bool>) {
    return flag_of(value, where);
  } else if constexpr (std::is_integral_v<T>) {
    static_assert(sizeof(T) < sizeof(std::int64_t) || std::is_signed_v<T>);
    return static_cast<T>(whole_of(value, where, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::is_same_v<T, Texts>) {
    if (!value.is_object()) {
      fail(where, "wrong type: a mapping is wanted");
    }
    Texts texts;
    for (const auto& [key, text] : value.items()) {
      texts.emplace(key, text_of(text, where + "." + key));
    }
    return texts;
  } else {
    static_assert(std::is_same_v<T, std::vector<std::string>>);
    if (!value.is_array()) {
      fail(where, "wrong type: a list is wanted");
    }
    std::vector<std::string> texts;
    for (const Tree& text : value) {
      texts.push_back(text_of(text, where + "[" + std::to_string(texts.size()) + "]"));
    }
    return texts;
  }
}

template <typename T>
T member(const Tree& object, const std::string& where, const char* name, T otherwise) {
  const Tree* const found = find(object, where, name);
  return found == nullptr ? std::move(otherwise) : value_of<T>(*found, where + "." + name);
}

}  // namespace agones::manifest
