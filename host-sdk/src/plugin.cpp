// SPDX-License-Identifier: Apache-2.0
#include "agones/plugin.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "sealed_copy.h"

namespace agones {

class Plugin::Library {
 public:
  Library(const std::string& path, const PluginOptions& options) : copy_(path, options) {
    boost::dll::fs::error_code error;
    // Local: no symbol of the plugin is offered to the host's other libraries.
    library_.load(copy_.path(), error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (error) {
      throw PluginError(PluginError::Kind::kNotLoadable, "plugin '" + path + "' cannot be loaded: " + error.message());
    }
  }

  template <typename Function>
  Function* find(const std::string& path, const char* name) {
    if (!library_.has(name)) {
      throw PluginError(PluginError::Kind::kMissingSymbol, "plugin '" + path + "' has no function " + name);
    }
    return &library_.get<Function>(name);
  }

 private:
  // Before the library: its path must stay taken as long as the library is loaded.
  SealedCopy copy_;
  boost::dll::shared_library library_;
};

Plugin::Plugin(std::string path, std::unique_ptr<Library> library, const PluginApi& api)
    : path_(std::move(path)), library_(std::move(library)), api_(api) {}

Plugin::~Plugin() {
  unload();
}

std::string Plugin::unload() {
  if (library_ == nullptr) {
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
    static_cast<void>(library_.release());
    return reason;
  }
  library_.reset();
  return {};
}

std::shared_ptr<Plugin> Plugin::load(const std::string& path, const PluginOptions& options) {
  auto library = std::make_unique<Library>(path, options);
  PluginApi api;
  api.abi_version = library->find<proc_abi_version_fn>(path, "proc_abi_version");
  const std::uint32_t version = api.abi_version();
  if (version >> 16 != PROC_ABI_VERSION_MAJOR) {
    throw PluginError(PluginError::Kind::kWrongVersion, "plugin '" + path + "' has ABI version " +
                                                            std::to_string(version >> 16) + "." +
                                                            std::to_string(version & 0xffffU) + ", this host needs " +
                                                            std::to_string(PROC_ABI_VERSION_MAJOR) + ".x");
  }
#define AGONES_FIND(name) api.name = library->find<proc_##name##_fn>(path, "proc_" #name);
  PROC_EACH_FUNCTION(AGONES_FIND)
#undef AGONES_FIND
  return std::shared_ptr<Plugin>(new Plugin(path, std::move(library), api));
}

}  // namespace agones
