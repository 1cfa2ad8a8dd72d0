// SPDX-License-Identifier: Apache-2.0
#include "agones/library.hpp"

#include <dlfcn.h>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "loader/library_file.h"
#include "loader/library_path.h"
#include "loader/sealed_copy.h"

namespace agones {

namespace {

namespace fs = std::filesystem;

// A path to the file that was used for nothing else: by one that it knows the dynamic linker gives what it has loaded, though
// another file may be there by now. What differs are steps that lead nowhere.
std::string unused_path(const std::string& path) {
  const fs::path file = fs::absolute(path);
  std::string folder = file.parent_path().string() + "/";
  for (auto number = std::chrono::steady_clock::now().time_since_epoch().count(); number != 0; number /= 2) {
    folder += number % 2 == 0 ? "/" : "./";
  }
  return folder + file.filename().string();
}

}  // namespace

class Library::Mapped {
 public:
  Mapped(const std::string& path, const LoadOptions& options) : path_(path) {
    const LibraryFile file(path, options);
    sha256_ = file.sha256();
    const bool is_host_library = file.exports("proc_swap");
    if (is_host_library && options.plugin_alone) {
      throw LibraryError(LibraryError::Kind::kNotLoadable, "library '" + path + "' is the host library, not a plugin");
    }
    if (is_host_library) {
      // It finds the plugin beside its own file.
      load(fs::absolute(path));
    } else if (options.in_place) {
      load(unused_path(path));
    } else {
      copy_ = std::make_unique<SealedCopy>(file);
      load(copy_->path());
    }
  }

  // Null if there is none.
  template <typename Function>
  Function* look_up(const char* name) const {
    return library_.has(name) ? &library_.get<Function>(name) : nullptr;
  }

  template <typename Function>
  Function* find(const char* name) const {
    Function* found = look_up<Function>(name);
    if (found == nullptr) {
      throw LibraryError(LibraryError::Kind::kMissingSymbol, "library '" + path_ + "' has no function " + name);
    }
    return found;
  }

  const std::string& sha256() const { return sha256_; }

 private:
  void load(const std::string& file) {
    boost::dll::fs::error_code error;
    // Local: no symbol of the library is offered to the host's other libraries.
    library_.load(file, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (error) {
      // The linker's own words name what is wrong; Boost's code is the same for everything.
      const char* problem = dlerror();
      throw LibraryError(LibraryError::Kind::kNotLoadable, "library '" + path_ + "' cannot be loaded: " +
                                                               (problem != nullptr ? problem : error.message()));
    }
  }

  const std::string path_;
  // Before the library: its path must stay taken as long as the library is loaded.
  std::unique_ptr<SealedCopy> copy_;
  std::string sha256_;
  boost::dll::shared_library library_;
};

Library::Library(std::string path, std::unique_ptr<Mapped> mapped, const LibraryApi& api)
    : path_(std::move(path)), mapped_(std::move(mapped)), api_(api) {}

Library::~Library() {
  unload();
}

std::string Library::unload() {
  if (mapped_ == nullptr) {
    return {};
  }
  // What a shut-down client leaves behind ends by itself within moments.
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  char reason[256] = "";
  proc_unload_state state = PROC_UNLOAD_BUSY;
  while ((state = api_.get_unload_state(reason, sizeof(reason))) == PROC_UNLOAD_BUSY &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (state != PROC_UNLOAD_SAFE) {
    // For the life of the process.
    static_cast<void>(mapped_.release());
    return reason;
  }
  mapped_.reset();
  return {};
}

const std::string& Library::sha256() const {
  return mapped_->sha256();
}

std::shared_ptr<Library> Library::load(const std::string& path, const LoadOptions& options) {
  const std::string file = library_file(path);
  auto mapped = std::make_unique<Mapped>(file, options);
  LibraryApi api;
  api.abi_version = mapped->find<proc_abi_version_fn>("proc_abi_version");
  const std::uint32_t version = api.abi_version();
  if (version >> 16U != PROC_ABI_VERSION_MAJOR) {
    throw LibraryError(LibraryError::Kind::kWrongVersion, "library '" + file + "' has ABI version " +
                                                              std::to_string(version >> 16U) + "." +
                                                              std::to_string(version & 0xffffU) + ", this host needs " +
                                                              std::to_string(PROC_ABI_VERSION_MAJOR) + ".x");
  }
#define AGONES_FIND(name) api.name = mapped->find<proc_##name##_fn>("proc_" #name);
  PROC_EACH_FUNCTION(AGONES_FIND)
#undef AGONES_FIND
#define AGONES_LOOK_UP(name) api.name = mapped->look_up<proc_##name##_fn>("proc_" #name);
  PROC_EACH_SWAP_FUNCTION(AGONES_LOOK_UP)
#undef AGONES_LOOK_UP
  return std::shared_ptr<Library>(new Library(file, std::move(mapped), api));
}

}  // namespace agones
