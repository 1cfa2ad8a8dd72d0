// SPDX-License-Identifier: Apache-2.0
#include "loader/library_path.h"

#include <dlfcn.h>
#include <link.h>

#include <memory>

#include "agones/library.hpp"

namespace agones {

namespace {

struct Close {
  void operator()(void* handle) const { dlclose(handle); }
};

}  // namespace

std::string find_in_library_path(const std::string& name) {
  // Only the linker knows its ways, so it is asked.
  const std::unique_ptr<void, Close> handle(dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL));
  link_map* found = nullptr;
  if (handle == nullptr || dlinfo(handle.get(), RTLD_DI_LINKMAP, &found) != 0) {
    const char* problem = dlerror();
    throw LibraryError(LibraryError::Kind::kNoFile,
                       "library '" + name + "': " + (problem != nullptr ? problem : "not found"));
  }
  return found->l_name;
}

}  // namespace agones
