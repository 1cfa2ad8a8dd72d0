// SPDX-License-Identifier: Apache-2.0
// Files that are damaged, by chance or on purpose. That one takes too long shows as a test that hangs.
#include "loader/elf_file.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>

namespace agones::test {
namespace {

constexpr const char* kDamaged = "it is cut off or damaged";

class ElfFileTest : public testing::Test {
 protected:
  template <typename T>
  T& at(std::uint64_t offset) {
    EXPECT_LE(offset + sizeof(T), bytes.size());
    return *reinterpret_cast<T*>(bytes.data() + offset);
  }
  Elf64_Ehdr& header() { return at<Elf64_Ehdr>(0); }
  Elf64_Shdr& section(std::uint64_t place) { return at<Elf64_Shdr>(header().e_shoff + place * sizeof(Elf64_Shdr)); }
  Elf64_Shdr& symbols() {
    for (std::uint64_t i = 0; i < header().e_shnum; ++i) {
      if (section(i).sh_type == SHT_DYNSYM) {
        return section(i);
      }
    }
    throw std::runtime_error("no .dynsym");
  }
  Elf64_Shdr& strings() { return section(symbols().sh_link); }

  std::string problem() const { return read_elf(bytes).problem; }

  static std::string library() {
    std::ifstream file(AGONES_SMALL_LIBRARY, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string bytes = library();
};

TEST_F(ElfFileTest, AGoodFileIsRead) {
  const ElfFile elf = read_elf(bytes);
  EXPECT_EQ(elf.problem, "");
  const auto has = [&](const char* name) {
    return std::any_of(elf.exports.begin(), elf.exports.end(), [&](const auto& symbol) { return symbol.name == name; });
  };
  EXPECT_TRUE(has("proc_abi_version"));
  EXPECT_FALSE(has("proc_swap"));
  EXPECT_NE(std::find(elf.needed.begin(), elf.needed.end(), "libc.so.6"), elf.needed.end());
}

TEST_F(ElfFileTest, ATableLargerThanTheFileIsDamage) {
  symbols().sh_size = UINT64_MAX;
  EXPECT_EQ(problem(), kDamaged);
}

TEST_F(ElfFileTest, ATableBehindTheEndIsDamage) {
  symbols().sh_offset = UINT64_MAX - 8;
  EXPECT_EQ(problem(), kDamaged);
}

TEST_F(ElfFileTest, NamesBehindTheEndAreDamage) {
  strings().sh_offset = bytes.size() + 1;
  EXPECT_EQ(problem(), kDamaged);
}

TEST_F(ElfFileTest, ALinkToNoSectionIsDamage) {
  symbols().sh_link = 0xffffffff;
  EXPECT_EQ(problem(), kDamaged);
}

TEST_F(ElfFileTest, SectionsBehindTheEndAreDamage) {
  header().e_shoff = UINT64_MAX - 63;
  EXPECT_EQ(problem(), kDamaged);
}

// A table of 64 Ki sections, each of which says that it is the symbols and fills the file, and one name that has no end.
TEST_F(ElfFileTest, WhatIsSaidManyTimesIsReadOnce) {
  constexpr std::size_t kSections = 0xfff0;
  Elf64_Shdr table{};
  table.sh_type = SHT_DYNSYM;
  const std::size_t names = bytes.size();
  bytes.append(std::size_t{8} << 20U, 'x');
  table.sh_size = bytes.size();
  Elf64_Shdr text{};
  text.sh_type = SHT_STRTAB;
  text.sh_offset = names;
  text.sh_size = std::size_t{8} << 20U;
  header().e_shoff = bytes.size();
  header().e_shnum = kSections;
  std::string sections(reinterpret_cast<const char*>(&text), sizeof(text));
  for (std::size_t i = 1; i < kSections; ++i) {
    sections.append(reinterpret_cast<const char*>(&table), sizeof(table));
  }
  bytes += sections;
  EXPECT_EQ(problem(), kDamaged);
}

// Symbols that all have one long name.
TEST_F(ElfFileTest, NamesLongerThanTheFileAreDamage) {
  constexpr std::size_t kSymbols = 10'000;
  constexpr std::size_t kLength = 60'000;
  Elf64_Shdr& table = symbols();
  Elf64_Shdr& text = strings();
  text.sh_offset = bytes.size();
  text.sh_size = kLength + 1;
  table.sh_offset = bytes.size() + kLength + 1;
  table.sh_size = kSymbols * sizeof(Elf64_Sym);
  bytes.append(kLength, 'x').push_back('\0');
  Elf64_Sym symbol{};
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbol.st_shndx = 1;
  for (std::size_t i = 0; i < kSymbols; ++i) {
    bytes.append(reinterpret_cast<const char*>(&symbol), sizeof(symbol));
  }
  EXPECT_EQ(problem(), kDamaged);
}

TEST_F(ElfFileTest, SegmentsThatAllSayTheyAreDynamicAreReadOnce) {
  constexpr std::size_t kSegments = 0xffff;
  Elf64_Phdr dynamic{};
  dynamic.p_type = PT_DYNAMIC;
  // Entries of DT_STRTAB, without an end.
  Elf64_Dyn entry{};
  entry.d_tag = DT_STRTAB;
  dynamic.p_offset = bytes.size();
  dynamic.p_filesz = std::size_t{4} << 20U;
  for (std::size_t i = 0; i < dynamic.p_filesz / sizeof(entry); ++i) {
    bytes.append(reinterpret_cast<const char*>(&entry), sizeof(entry));
  }
  header().e_phoff = bytes.size();
  header().e_phnum = kSegments;
  for (std::size_t i = 0; i < kSegments; ++i) {
    bytes.append(reinterpret_cast<const char*>(&dynamic), sizeof(dynamic));
  }
  EXPECT_EQ(problem(), "");
}

TEST_F(ElfFileTest, WhateverIsChangedItIsReadInTime) {
  const std::string good = bytes;
  std::mt19937 random(1);
  constexpr unsigned char kValues[] = {0, 1, 0x7f, 0x80, 0xff};
  constexpr std::size_t kTables = 1024;
  for (int round = 0; round < 20'000; ++round) {
    bytes = good;
    for (int change = 0; change < 4; ++change) {
      // In the headers in front, or in the table of the sections at the end.
      const std::size_t place = random() % kTables;
      bytes[random() % 2 == 0 ? place : good.size() - 1 - place] =
          static_cast<char>(kValues[random() % std::size(kValues)]);
    }
    problem();
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    bytes = good.substr(0, size);
    EXPECT_NE(problem(), "") << size;
  }
}

TEST_F(ElfFileTest, AFileForAnotherMachineIsKnownByItsHeader) {
  EXPECT_FALSE(is_for_another_machine(std::string_view(bytes).substr(0, kElfHeaderSize)));
  EXPECT_FALSE(is_for_another_machine("text"));
  header().e_machine = EM_ARM;
  EXPECT_TRUE(is_for_another_machine(std::string_view(bytes).substr(0, kElfHeaderSize)));
}

}  // namespace
}  // namespace agones::test
