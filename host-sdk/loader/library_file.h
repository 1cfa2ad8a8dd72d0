// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agones/library.hpp"
#include "loader/elf_file.h"

namespace agones {

// A library's file, read as a whole and checked: who could have written it, its SHA-256, whether the dynamic linker could
// load it. Nothing of it has run.
class LibraryFile {
 public:
  // Throws LibraryError.
  LibraryFile(const std::string& path, const LoadOptions& options);

  const std::string& path() const { return path_; }
  std::string_view bytes() const { return bytes_; }
  const std::string& sha256() const { return sha256_; }
  bool exports(std::string_view name) const;

 private:
  std::string path_;
  std::string bytes_;
  std::string sha256_;
  ElfFile elf_;
};

}  // namespace agones
