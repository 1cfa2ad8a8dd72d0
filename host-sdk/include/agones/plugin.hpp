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
    kNotTrusted,     // others could have written it, or it has another SHA-256
    kNotLoadable,    // the dynamic linker refuses it: not a library, another architecture, cut off ...
    kMissingSymbol,  // it lacks a function of the ABI
    kWrongVersion,   // it has another major ABI version
  };
  PluginError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

struct PluginOptions {
  // Not empty: the file must have this SHA-256, 64 hexadecimal digits.
  std::string sha256;
  // Accept a file or folder that other users can write to.
  bool allow_writable_by_others = false;
};

// A loaded plugin. Thread-safe. Clients share it; it is unloaded when the last owner lets go, if the
// plugin says then that this is safe, else it stays mapped.
//
// What is loaded is a private, sealed copy of the file: overwriting or deleting the file afterwards does no
// harm, and one file name can be loaded twice.
class Plugin {
 public:
  // Throws PluginError. The ABI version is checked before anything else of the plugin is called.
  static std::shared_ptr<Plugin> load(const std::string& path, const PluginOptions& options = {});

  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // Unloads now. Every client must be gone; nothing of this object may be used afterwards. Returns empty,
  // or why the library stays mapped. May wait some seconds for the plugin's threads to end.
  std::string unload();

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
