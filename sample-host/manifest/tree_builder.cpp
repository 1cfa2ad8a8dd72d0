// SPDX-License-Identifier: Apache-2.0
#include "manifest/tree_builder.h"

#include <stdexcept>
#include <utility>

namespace agones::manifest {

namespace {

constexpr std::size_t kDeepest = 200;

[[noreturn]] void fail(Place place, const std::string& what) {
  throw std::runtime_error((place.line > 0 ? "line " + std::to_string(place.line) + ": " : "") + what);
}

}  // namespace

void TreeBuilder::begin(Tree empty, Place place) {
  if (levels_.size() == kDeepest) {
    fail(place, "nested more than " + std::to_string(kDeepest) + " deep");
  }
  check_place_for_value(place);
  levels_.push_back({std::move(empty), {}, false});
}

bool TreeBuilder::expects_key() const {
  return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().has_key;
}

void TreeBuilder::key(std::string key, Place place) {
  Level& level = levels_.back();
  if (level.value.contains(key)) {
    fail(place, "the key '" + key + "' is given twice in one mapping" +
                    (levels_.size() == 1 && place.line > 0 ? ": put a line with --- between objects" : ""));
  }
  level.key = std::move(key);
  level.has_key = true;
}

void TreeBuilder::check_place_for_value(Place place) const {
  if (expects_key()) {
    fail(place, "a key that is no text");
  }
}

const Tree& TreeBuilder::add(Tree value, Place place) {
  check_place_for_value(place);
  if (levels_.empty()) {
    return root_ = std::move(value);
  }
  Level& level = levels_.back();
  if (level.value.is_array()) {
    return level.value.emplace_back(std::move(value));
  }
  level.has_key = false;
  return *level.value.emplace(std::move(level.key), std::move(value)).first;
}

const Tree& TreeBuilder::end() {
  Tree ended = std::move(levels_.back().value);
  levels_.pop_back();
  return add(std::move(ended), {});
}

Tree TreeBuilder::take() {
  levels_.clear();
  return std::exchange(root_, nullptr);
}

}  // namespace agones::manifest
