// SPDX-License-Identifier: Apache-2.0
// What an ELF shared object says of itself, read without loading it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace agones {

struct ElfFile {
  struct Symbol {
    std::string name;
    bool unique = false;    // STB_GNU_UNIQUE: keeps the object mapped for ever
    bool absolute = false;  // a version node, not a function or object
  };

  std::string problem;  // not empty: why the dynamic linker could not load it
  std::vector<std::string> needed;
  std::vector<Symbol> exports;
};

// Reads what the dynamic linker would. A file that is cut off is found here: the linker itself would end
// the process with SIGBUS. Takes time and memory in proportion to the file's size, however damaged it is.
ElfFile read_elf(std::string_view file);

// So much of a file is needed for this question. What is no ELF file is not for another machine.
inline constexpr std::size_t kElfHeaderSize = 64;
bool is_for_another_machine(std::string_view begin);

}  // namespace agones
