// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "agones/library.hpp"
#include "loader/elf_file.h"

namespace agones {

// A copy of a library's file in memory that nobody can change, with a path to load it by. The path is
// unique while this object lives, so it must outlive the library.
class SealedCopy {
 public:
  // Checks what the options ask for. Throws LibraryError.
  SealedCopy(const std::string& path, const LoadOptions& options);
  ~SealedCopy();
  SealedCopy(const SealedCopy&) = delete;
  SealedCopy& operator=(const SealedCopy&) = delete;

  std::string path() const;
  const std::string& sha256() const { return sha256_; }
  bool exports(std::string_view name) const;

 private:
  int fd_;
  std::string sha256_;
  ElfFile elf_;
};

}  // namespace agones
