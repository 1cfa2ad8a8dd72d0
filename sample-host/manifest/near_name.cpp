// SPDX-License-Identifier: Apache-2.0
#include "manifest/near_name.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace agones::manifest {

namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kMostChanges = 3;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Letters to change, put in or leave out; upper and lower case are alike.
std::size_t changes(std::string_view from, std::string_view to) {
  std::vector<std::size_t> costs(to.size() + 1);
  for (std::size_t i = 0; i < costs.size(); ++i) {
    costs[i] = i;
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t without_both = costs[0];
    costs[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = without_both + (lower(from[i]) == lower(to[j]) ? 0 : 1);
      without_both = costs[j + 1];
      costs[j + 1] = std::min({changed, costs[j] + 1, without_both + 1});
    }
  }
  return costs.back();
}

}  // namespace

std::string near_name(std::string_view name, std::initializer_list<const char*> known) {
  const char* nearest = "";
  std::size_t least = kMostChanges + 1;
  if (name.size() > kLongest) {
    return nearest;
  }
  for (const char* candidate : known) {
    // Of a short name little is left after three changes.
    const std::size_t far = changes(name, candidate);
    if (far < least && 2 * far <= std::string_view(candidate).size()) {
      nearest = candidate;
      least = far;
    }
  }
  return nearest;
}

}  // namespace agones::manifest
