// SPDX-License-Identifier: Apache-2.0
// Loads libagones_processor.so into a C++ host.
#pragma once

#include <agones/processor.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace agones {

// The plugin's functions; none is null.
struct PluginApi {
#define AGONES_FUNCTION(name) proc_##name##_fn* name = nullptr;
  PROC_EACH_FUNCTION(AGONES_FUNCTION)
#undef AGONES_FUNCTION
};

// Why a plugin can't be used.
class PluginError : public std::runtime_error {
 public:
  enum class Kind {
    kNoFile,         // there is no such file, or it can't be read
    kNotLoadable,    // the dynamic linker refuses it: not a library, another architecture, cut off ...
    kMissingSymbol,  // it lacks a function of the ABI
    kWrongVersion,   // it has another major ABI version
  };
  PluginError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// A loaded plugin. Thread-safe. Clients share it; it is unloaded when the last owner lets go, if the
// plugin says then that this is safe, else it stays mapped.
class Plugin {
 public:
  // Throws PluginError. The ABI version is checked before anything else of the plugin is called.
  static std::shared_ptr<Plugin> load(const std::string& path);

  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const PluginApi& api() const { return api_; }
  const std::string& path() const { return path_; }
  std::string version() const { return api_.version(); }
  std::uint32_t abi_version() const { return api_.abi_version(); }

 private:
  class Library;
  Plugin(std::string path, std::unique_ptr<Library> library, const PluginApi& api);

  std::string path_;
  std::unique_ptr<Library> library_;
  PluginApi api_;
};

}  // namespace agones
