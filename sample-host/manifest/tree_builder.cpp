// SPDX-License-Identifier: Apache-2.0
#include "manifest/tree_builder.h"

#include <algorithm>
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
  levels_.emplace_back();
  levels_.back().value = std::move(empty);
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

void TreeBuilder::merge_key(Place place) {
  Level& level = levels_.back();
  if (!level.merged.empty()) {
    fail(place, "the key '<<' is given twice in one mapping");
  }
  level.merges_value = true;
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
  if (std::exchange(level.merges_value, false)) {
    const bool fits = value.is_object() ||
                      (value.is_array() &&
                       std::all_of(value.begin(), value.end(), [](const Tree& part) { return part.is_object(); }));
    if (!fits) {
      fail(place, "<<: a mapping is wanted, or a list of mappings");
    }
    return level.merged.emplace_back(std::move(value));
  }
  return *level.value.emplace(std::move(level.key), std::move(value)).first;
}

const Tree& TreeBuilder::end() {
  Tree ended = std::move(levels_.back().value);
  for (const Tree& merged : levels_.back().merged) {
    for (const Tree& part : merged.is_array() ? merged : Tree::array({merged})) {
      ended.insert(part.begin(), part.end());  // what is there stays
    }
  }
  levels_.pop_back();
  return add(std::move(ended), {});
}

Tree TreeBuilder::take() {
  levels_.clear();
  return std::exchange(root_, nullptr);
}

}  // namespace agones::manifest
