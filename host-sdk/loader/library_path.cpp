// SPDX-License-Identifier: Apache-2.0
#include "loader/library_path.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

#include "agones/library.hpp"
#include "loader/elf_file.h"
#include "loader/linker_cache.h"

namespace agones {

namespace {

namespace fs = std::filesystem;

constexpr const char* kCache = "/etc/ld.so.cache";

struct Close {
  void operator()(void* handle) const { dlclose(handle); }
};
using Handle = std::unique_ptr<void, Close>;

// The object that this code is in: its own folders count, too. It is loaded, so that nothing of it is run here.
Handle own_object() {
  Dl_info info{};
  link_map* own = nullptr;
  if (dladdr1(reinterpret_cast<void*>(&find_in_library_path), &info, reinterpret_cast<void**>(&own), RTLD_DL_LINKMAP) !=
          0 &&
      own != nullptr && own->l_name != nullptr && own->l_name[0] != '\0') {
    if (Handle handle{dlopen(own->l_name, RTLD_LAZY | RTLD_NOLOAD)}) {
      return handle;
    }
  }
  return Handle(dlopen(nullptr, RTLD_LAZY));
}

struct Folder {
  std::string path;
  bool is_system = false;  // looked into after the cache
};

// As the linker has read them from LD_LIBRARY_PATH, the object's own RPATH or RUNPATH, and what is built into it.
std::vector<Folder> linker_folders() {
  const Handle own = own_object();
  Dl_serinfo size{};
  if (own == nullptr || dlinfo(own.get(), RTLD_DI_SERINFOSIZE, &size) != 0) {
    return {};
  }
  std::vector<std::max_align_t> memory(size.dls_size / sizeof(std::max_align_t) + 1);
  auto* found = reinterpret_cast<Dl_serinfo*>(memory.data());
  if (dlinfo(own.get(), RTLD_DI_SERINFOSIZE, found) != 0 || dlinfo(own.get(), RTLD_DI_SERINFO, found) != 0) {
    return {};
  }
  std::vector<Folder> folders;
  const Dl_serpath* paths = found->dls_serpath;
  for (unsigned i = 0; i < found->dls_cnt; ++i) {
    folders.push_back({paths[i].dls_name, (paths[i].dls_flags & LA_SER_DEFAULT) != 0});
  }
  return folders;
}

std::vector<std::string> cached_files(const std::string& name) {
  std::ifstream file(kCache, std::ios::binary);
  const std::string cache{std::istreambuf_iterator<char>(file), {}};
  return find_in_linker_cache(cache, name);
}

// Whether the linker would stop at this file: it passes over those for other machines.
bool is_candidate(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return false;
  }
  struct stat info {};
  std::array<char, kElfHeaderSize> begin{};
  const bool is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const ssize_t got = is_file ? pread(fd, begin.data(), begin.size(), 0) : -1;
  close(fd);
  return is_file && (got < 0 || !is_for_another_machine({begin.data(), static_cast<std::size_t>(got)}));
}

}  // namespace

std::string find_in_library_path(const std::string& name) {
  std::string looked;
  const auto look_in = [&](const std::vector<Folder>& folders, bool system) -> std::string {
    for (const Folder& folder : folders) {
      if (folder.is_system != system) {
        continue;
      }
      fs::path path = fs::path(folder.path) / name;
      if (is_candidate(path)) {
        return path;
      }
      looked += (looked.empty() ? "" : ", ") + folder.path;
    }
    return {};
  };
  const std::vector<Folder> folders = linker_folders();
  if (std::string path = look_in(folders, false); !path.empty()) {
    return path;
  }
  for (std::string& path : cached_files(name)) {
    if (is_candidate(path)) {
      return std::move(path);
    }
  }
  if (std::string path = look_in(folders, true); !path.empty()) {
    return path;
  }
  throw LibraryError(LibraryError::Kind::kNoFile, "library '" + name + "': not found in " + kCache + ", " + looked);
}

std::string library_file(const std::string& path) {
  return path.find('/') == std::string::npos ? find_in_library_path(path) : path;
}

}  // namespace agones
