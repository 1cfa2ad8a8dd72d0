// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loader/descriptor.h"
#include "loader/library_file.h"

namespace agones {

// A copy of a library's file in memory that nobody can change, with a path to load it by. The path is
// unique while this object lives, so it must outlive the library.
class SealedCopy {
 public:
  // Throws LibraryError: where no such copy can be had, it says why, and what the host may set instead.
  explicit SealedCopy(const LibraryFile& file);

  std::string path() const;

 private:
  const Descriptor copy_;
};

}  // namespace agones
