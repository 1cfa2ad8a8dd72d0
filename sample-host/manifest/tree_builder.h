// SPDX-License-Identifier: Apache-2.0
// Makes a tree from what a parser reports, part by part.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "manifest/documents.h"

namespace agones::manifest {

// Where a YAML parser stands; 0: the JSON parser, which does not say.
struct Place {
  std::size_t line = 0;
};

class TreeBuilder {
 public:
  void begin_object(Place place) { begin(Tree::object(), place); }
  void begin_array(Place place) { begin(Tree::array(), place); }
  // Throws std::runtime_error for a key that the object has already.
  void key(std::string key, Place place);
  // YAML's "<<": the value that comes is a mapping, or a list of them, whose keys the object takes that it does not have itself.
  void merge_key(Place place);
  // Both return what is in the tree now; it stays valid until the next call.
  const Tree& add(Tree value, Place place);
  const Tree& end();

  bool expects_key() const;
  Tree take();

 private:
  struct Level {
    Tree value;
    std::string key;  // of the value to come
    bool has_key = false;
    bool merges_value = false;  // the one to come
    std::vector<Tree> merged;
  };

  void begin(Tree empty, Place place);
  void check_place_for_value(Place place) const;

  std::vector<Level> levels_;  // those that are open
  Tree root_;
};

}  // namespace agones::manifest
