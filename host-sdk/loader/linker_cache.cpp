// SPDX-License-Identifier: Apache-2.0
#include "loader/linker_cache.h"

#include <cstdint>

#include "loader/file_bytes.h"

namespace agones {

namespace {

// glibc's names and version of the format; an older one may stand in front of it.
constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";

struct Header {
  char magic[20];
  std::uint32_t entries;
  std::uint32_t text_size;
  std::uint32_t unused[5];
};

struct Entry {
  std::int32_t flags;
  std::uint32_t name;  // offsets, from the header on
  std::uint32_t path;
  std::uint32_t os_version;
  std::uint64_t hardware;  // 0: for every processor
};

// A library for glibc, of 64 bits.
#if defined(__x86_64__)
constexpr std::int32_t kFlags = 0x0303;
#elif defined(__aarch64__)
constexpr std::int32_t kFlags = 0x0a03;
#else
#error "unknown machine"
#endif

}  // namespace

std::vector<std::string> find_in_linker_cache(std::string_view cache, std::string_view name) {
  const std::size_t begin = cache.find(kMagic);
  if (begin == std::string_view::npos) {
    return {};
  }
  const FileBytes bytes(cache.substr(begin));
  const auto header = bytes.at<Header>(0);
  std::vector<std::string> files;
  for (std::uint64_t i = 0; header && i < header->entries; ++i) {
    const auto entry = bytes.at<Entry>(sizeof(Header) + i * sizeof(Entry));
    if (!entry) {
      break;
    }
    if (entry->flags == kFlags && entry->hardware == 0 && bytes.text(entry->name) == name) {
      files.emplace_back(bytes.text(entry->path).value_or(""));
    }
  }
  return files;
}

}  // namespace agones
