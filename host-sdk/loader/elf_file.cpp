// SPDX-License-Identifier: Apache-2.0
#include "loader/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "loader/file_bytes.h"

namespace agones {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "unknown machine"
#endif

constexpr const char* kDamaged = "it is cut off or damaged";

// Names that a file gives, together no longer than itself: a damaged one could give the same long name a million times.
class Names {
 public:
  explicit Names(const FileBytes& bytes) : bytes_(bytes), left_(bytes.size()) {}

  // Nothing: there is none, or there are too many.
  std::optional<std::string> at(std::uint64_t offset) {
    const std::optional<std::string_view> text = bytes_.text(offset);
    if (!text || text->size() >= left_) {
      return std::nullopt;
    }
    left_ -= text->size() + 1;
    return std::string(*text);
  }

 private:
  const FileBytes& bytes_;
  std::size_t left_;
};

bool is_elf(std::string_view file) {
  return file.substr(0, SELFMAG) == std::string_view(ELFMAG, SELFMAG);
}

bool is_for_this_machine(const Elf64_Ehdr& header) {
  return header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == kMachine;
}

std::string check_header(const FileBytes& bytes, const Elf64_Ehdr& header) {
  if (!is_for_this_machine(header)) {
    return "it is for another architecture";
  }
  if (header.e_type != ET_DYN) {
    return "it is not a shared object";
  }
  if (!bytes.holds(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)) ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return kDamaged;
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

// False if it is damaged.
bool read_dynamic(const FileBytes& bytes, const std::vector<Elf64_Phdr>& segments, Names& names, ElfFile& out) {
  const auto is_dynamic = [](const Elf64_Phdr& segment) { return segment.p_type == PT_DYNAMIC; };
  const auto dynamic = std::find_if(segments.begin(), segments.end(), is_dynamic);
  if (dynamic == segments.end()) {
    return true;
  }
  std::uint64_t strings = 0;
  std::vector<std::uint64_t> needed;
  for (std::uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic->p_filesz; at += sizeof(Elf64_Dyn)) {
    const auto entry = bytes.at<Elf64_Dyn>(dynamic->p_offset + at);
    if (!entry || entry->d_tag == DT_NULL) {
      break;
    }
    if (entry->d_tag == DT_STRTAB) {
      strings = entry->d_un.d_ptr;
    } else if (entry->d_tag == DT_NEEDED) {
      needed.push_back(entry->d_un.d_val);
    }
  }
  const std::uint64_t offset = offset_of(segments, strings);
  for (const std::uint64_t name : needed) {
    const std::optional<std::string> text = offset == UINT64_MAX ? std::nullopt : names.at(offset + name);
    if (!text) {
      return false;
    }
    out.needed.push_back(*text);
  }
  return true;
}

// False if it is damaged.
bool read_symbols(const FileBytes& bytes, const Elf64_Ehdr& header, Names& names, ElfFile& out) {
  const auto section_at = [&](std::uint64_t place) {
    return bytes.at<Elf64_Shdr>(header.e_shoff + place * sizeof(Elf64_Shdr));
  };
  if (header.e_shnum == 0) {
    return true;
  }
  if (header.e_shentsize != sizeof(Elf64_Shdr) ||
      !bytes.holds(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))) {
    return false;
  }
  std::optional<Elf64_Shdr> symbols;
  for (std::uint64_t i = 0; i < header.e_shnum && !symbols; ++i) {
    symbols = section_at(i);
    if (symbols->sh_type != SHT_DYNSYM) {
      symbols.reset();
    }
  }
  if (!symbols) {
    return true;
  }
  const auto strings = symbols->sh_link < header.e_shnum ? section_at(symbols->sh_link) : std::nullopt;
  if (!strings || !bytes.holds(symbols->sh_offset, symbols->sh_size) ||
      !bytes.holds(strings->sh_offset, strings->sh_size)) {
    return false;
  }
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols->sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = bytes.at<Elf64_Sym>(symbols->sh_offset + at);
    if (!symbol || symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) {
      continue;
    }
    std::optional<std::string> name =
        symbol->st_name < strings->sh_size ? names.at(strings->sh_offset + symbol->st_name) : std::nullopt;
    if (!name) {
      return false;
    }
    out.exports.push_back(
        {*std::move(name), ELF64_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE, symbol->st_shndx == SHN_ABS});
  }
  return true;
}

}  // namespace

ElfFile read_elf(std::string_view file) {
  ElfFile out;
  const FileBytes bytes(file);
  const auto header = bytes.at<Elf64_Ehdr>(0);
  if (!is_elf(file)) {
    out.problem = "it is not an ELF file";
    return out;
  }
  out.problem = header ? check_header(bytes, *header) : kDamaged;
  if (!out.problem.empty()) {
    return out;
  }
  std::vector<Elf64_Phdr> segments;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    segments.push_back(*bytes.at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr)));
    if (!bytes.holds(segments.back().p_offset, segments.back().p_filesz)) {
      out.problem = kDamaged;
      return out;
    }
  }
  Names names(bytes);
  if (!read_dynamic(bytes, segments, names, out) || !read_symbols(bytes, *header, names, out)) {
    out.problem = kDamaged;
  }
  return out;
}

bool is_for_another_machine(std::string_view begin) {
  const auto header = FileBytes(begin).at<Elf64_Ehdr>(0);
  return is_elf(begin) && (!header || !is_for_this_machine(*header));
}

}  // namespace agones
