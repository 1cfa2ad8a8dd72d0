// SPDX-License-Identifier: Apache-2.0
#include "loader/elf_file.h"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>

namespace agones {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "unknown machine"
#endif

// Reads nothing outside the file.
class Bytes {
 public:
  explicit Bytes(std::string_view file) : file_(file) {}

  template <typename T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > file_.size() || sizeof(T) > file_.size() - offset) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }

  bool holds(std::uint64_t offset, std::uint64_t size) const {
    return offset <= file_.size() && size <= file_.size() - offset;
  }

  std::string text(std::uint64_t offset) const {
    if (offset >= file_.size()) {
      return {};
    }
    const std::string_view rest = file_.substr(offset);
    return std::string(rest.substr(0, rest.find('\0')));
  }

 private:
  std::string_view file_;
};

std::string check_header(const Bytes& bytes, const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine) {
    return "it is for another architecture";
  }
  if (header.e_type != ET_DYN) {
    return "it is not a shared object";
  }
  if (!bytes.holds(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)) ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return "it is cut off or damaged";
  }
  return {};
}

// A virtual address as an offset in the file.
std::uint64_t offset_of(const std::vector<Elf64_Phdr>& segments, std::uint64_t address) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
      return address - segment.p_vaddr + segment.p_offset;
    }
  }
  return UINT64_MAX;
}

void read_dynamic(const Bytes& bytes, const std::vector<Elf64_Phdr>& segments, const Elf64_Phdr& dynamic,
                  ElfFile& out) {
  std::uint64_t strings = UINT64_MAX;
  std::vector<std::uint64_t> needed;
  for (std::uint64_t at = dynamic.p_offset; at < dynamic.p_offset + dynamic.p_filesz; at += sizeof(Elf64_Dyn)) {
    const auto entry = bytes.at<Elf64_Dyn>(at);
    if (!entry || entry->d_tag == DT_NULL) {
      break;
    }
    if (entry->d_tag == DT_STRTAB) {
      strings = offset_of(segments, entry->d_un.d_ptr);
    } else if (entry->d_tag == DT_NEEDED) {
      needed.push_back(entry->d_un.d_val);
    }
  }
  for (const std::uint64_t name : needed) {
    out.needed.push_back(strings == UINT64_MAX ? "?" : bytes.text(strings + name));
  }
}

void read_symbols(const Bytes& bytes, const Elf64_Ehdr& header, ElfFile& out) {
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    const auto section = bytes.at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
    if (!section || section->sh_type != SHT_DYNSYM) {
      continue;
    }
    const auto strings = bytes.at<Elf64_Shdr>(header.e_shoff + std::uint64_t{section->sh_link} * sizeof(Elf64_Shdr));
    for (std::uint64_t at = 0; strings && at + sizeof(Elf64_Sym) <= section->sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = bytes.at<Elf64_Sym>(section->sh_offset + at);
      if (!symbol || symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) {
        continue;
      }
      out.exports.push_back({bytes.text(strings->sh_offset + symbol->st_name),
                             ELF64_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE, symbol->st_shndx == SHN_ABS});
    }
  }
}

}  // namespace

ElfFile read_elf(std::string_view file) {
  ElfFile out;
  const Bytes bytes(file);
  const auto header = bytes.at<Elf64_Ehdr>(0);
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    out.problem = "it is not an ELF file";
    return out;
  }
  out.problem = header ? check_header(bytes, *header) : "it is cut off or damaged";
  if (!out.problem.empty()) {
    return out;
  }
  std::vector<Elf64_Phdr> segments;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    segments.push_back(*bytes.at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr)));
    if (!bytes.holds(segments.back().p_offset, segments.back().p_filesz)) {
      out.problem = "it is cut off or damaged";
      return out;
    }
  }
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_DYNAMIC) {
      read_dynamic(bytes, segments, segment, out);
    }
  }
  read_symbols(bytes, *header, out);
  return out;
}

}  // namespace agones
