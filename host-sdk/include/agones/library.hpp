// SPDX-License-Identifier: Apache-2.0
// Loads a library with the C ABI into a C++ host: the plugin, or the host library, which can swap plugins.
#pragma once

#include <agones/processor.h>
#include <agones/processor_swap.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace agones {

// The library's functions. Those of agones/processor.h are never null; those of agones/processor_swap.h are null in a
// plugin.
struct LibraryApi {
#define AGONES_FUNCTION(name) proc_##name##_fn* name = nullptr;
  PROC_EACH_FUNCTION(AGONES_FUNCTION)
  PROC_EACH_SWAP_FUNCTION(AGONES_FUNCTION)
#undef AGONES_FUNCTION
};

// Why a library can't be used.
class LibraryError : public std::runtime_error {
 public:
  enum class Kind {
    kNoFile,         // there is no such file, or it can't be read
    kNotTrusted,     // others could have written it, or it has another SHA-256
    kNotLoadable,    // the dynamic linker refuses it: not a library, another architecture, cut off ...
    kMissingSymbol,  // it lacks a function of the ABI
    kWrongVersion,   // it has another major ABI version
  };
  LibraryError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

struct LoadOptions {
  // Not empty: the file must have this SHA-256, 64 hexadecimal digits.
  std::string sha256;
  // Refuse the host library.
  bool plugin_alone = false;
  // Accept a file or folder that its group can write to, whichever group that is.
  bool allow_writable_by_group = false;
  // Accept a file or folder that anybody can write to.
  bool allow_writable_by_others = false;
  // Load the file itself, where no copy in memory can be made. It must not be written to while it is loaded; another file
  // may be put in its place.
  bool in_place = false;
};

// A loaded library. Thread-safe. Clients share it; it is unloaded when the last owner lets go, if it says then that this
// is safe, else it stays mapped.
//
// A file is found, read and checked before anything of it runs: its folders up to the root and the links on the way to it
// are looked at, too. Of a plugin a private, sealed copy is loaded: overwriting or deleting the file afterwards does no harm,
// and one file name can be loaded twice. That takes memfd_create, /proc, and no lower RLIMIT_FSIZE than the file's size; else
// see LoadOptions::in_place. The host library is loaded as it is: it makes such copies itself, and looks for
// the plugin beside its own file.
class Library {
 public:
  // A name without a slash is looked for where the dynamic linker does. Throws LibraryError. The ABI version is checked
  // before anything else of the library is called.
  static std::shared_ptr<Library> load(const std::string& path, const LoadOptions& options = {});

  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Unloads now. Every client must be gone; nothing of this object may be used afterwards. Returns empty,
  // or why the library stays mapped. May wait some seconds for the library's threads to end.
  std::string unload();

  const LibraryApi& api() const { return api_; }
  const std::string& path() const { return path_; }
  // Of the file, 64 hexadecimal digits: for LoadOptions::sha256.
  const std::string& sha256() const;
  std::string version() const { return api_.version(); }
  std::uint32_t abi_version() const { return api_.abi_version(); }
  bool can_swap() const { return api_.swap != nullptr; }

 private:
  class Mapped;
  Library(std::string path, std::unique_ptr<Mapped> mapped, const LibraryApi& api);

  std::string path_;
  std::unique_ptr<Mapped> mapped_;
  LibraryApi api_;
};

}  // namespace agones
