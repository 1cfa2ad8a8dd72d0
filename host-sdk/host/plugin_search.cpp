// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_search.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "agones/library.hpp"
#include "loader/library_path.h"

namespace agones::host {

namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "AGONES_PROCESSOR_PLUGIN";
// The name of the ABI's major version first: the other one may be missing where nothing is compiled.
constexpr const char* kNames[] = {"libagones_processor.so.1", "libagones_processor.so"};
static_assert(PROC_ABI_VERSION_MAJOR == 1, "kNames has the major version");

fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&find_plugin), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  return fs::absolute(info.dli_fname, error).parent_path();
}

}  // namespace

std::string find_plugin(const std::string& configured) {
  if (!configured.empty()) {
    return configured;
  }
  if (const char* named = secure_getenv(kVariable); named != nullptr && *named != '\0') {
    return named;
  }
  const fs::path folder = own_folder();
  for (const char* name : kNames) {
    std::error_code error;
    if (const fs::path file = folder / name; fs::exists(file, error)) {
      return file;
    }
  }
  std::string problem;
  for (const char* name : kNames) {
    try {
      return find_in_library_path(name);
    } catch (const LibraryError& error) {
      problem += std::string("; ") + error.what();
    }
  }
  throw LibraryError(LibraryError::Kind::kNoFile, std::string("plugin_file: not set, and no plugin is found: ") +
                                                      kVariable + " is not set; there is none in '" + folder.string() +
                                                      "'" + problem);
}

}  // namespace agones::host
