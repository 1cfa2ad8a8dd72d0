// SPDX-License-Identifier: Apache-2.0
// Where a library is found by its name. The dynamic linker is the judge.
#include "loader/library_path.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>

#include <agones/library.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "loader/linker_cache.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

namespace fs = std::filesystem;

// A cache as ldconfig writes it.
class Cache {
 public:
  struct Entry {
    std::int32_t flags;
    std::uint32_t name;
    std::uint32_t path;
    std::uint32_t os_version;
    std::uint64_t hardware;
  };

  void add(const std::string& name, const std::string& path, std::int32_t flags = kFlags, std::uint64_t hardware = 0) {
    entries_.push_back({flags, place_of(name), place_of(path), 0, hardware});
  }
  std::string bytes() const {
    const auto count = static_cast<std::uint32_t>(entries_.size());
    std::string made = "glibc-ld.so.cache1.1";
    made.append(reinterpret_cast<const char*>(&count), sizeof(count)).append(24, '\0');
    for (Entry entry : entries_) {
      const auto begin = static_cast<std::uint32_t>(48 + entries_.size() * sizeof(Entry));
      entry.name += begin;
      entry.path += begin;
      made.append(reinterpret_cast<const char*>(&entry), sizeof(entry));
    }
    return made + texts_;
  }

#if defined(__x86_64__)
  static constexpr std::int32_t kFlags = 0x0303;
#else
  static constexpr std::int32_t kFlags = 0x0a03;
#endif

 private:
  std::uint32_t place_of(const std::string& text) {
    const auto place = static_cast<std::uint32_t>(texts_.size());
    texts_.append(text).push_back('\0');
    return place;
  }

  std::vector<Entry> entries_;
  std::string texts_;
};

TEST(LinkerCache, FindsTheFilesOfANameForThisMachine) {
  Cache cache;
  cache.add("libx.so.1", "/for/32/bits/libx.so.1", 0x0003);
  cache.add("libx.so.1", "/for/some/processors/libx.so.1", Cache::kFlags, 1);
  cache.add("libx.so.1", "/a/libx.so.1");
  cache.add("libx.so.10", "/a/libx.so.10");
  cache.add("libx.so.1", "/b/libx.so.1");
  const std::vector<std::string> wanted{"/a/libx.so.1", "/b/libx.so.1"};
  EXPECT_EQ(find_in_linker_cache(cache.bytes(), "libx.so.1"), wanted);
  EXPECT_EQ(find_in_linker_cache("ld.so-1.7.0 and what an older glibc reads" + cache.bytes(), "libx.so.1"), wanted);
  EXPECT_EQ(find_in_linker_cache(cache.bytes(), "libx.so"), std::vector<std::string>());
}

TEST(LinkerCache, ADamagedOneHasLess) {
  Cache cache;
  cache.add("libx.so.1", "/a/libx.so.1");
  const std::string whole = cache.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    find_in_linker_cache(whole.substr(0, size), "libx.so.1");
  }
  std::string many = whole;
  std::memset(many.data() + 20, 0xff, 4);
  EXPECT_EQ(find_in_linker_cache(many, "libx.so.1"), std::vector<std::string>{"/a/libx.so.1"});
}

TEST(LibraryPath, IsTheDynamicLinkers) {
  for (const char* name : {"libc.so.6", "libstdc++.so.6", "libcrypto.so.3", "libm.so.6"}) {
    void* handle = dlopen(name, RTLD_LAZY);
    if (handle == nullptr) {
      continue;
    }
    link_map* loaded = nullptr;
    ASSERT_EQ(dlinfo(handle, RTLD_DI_LINKMAP, &loaded), 0);
    EXPECT_EQ(fs::canonical(find_in_library_path(name)), fs::canonical(loaded->l_name)) << name;
    dlclose(handle);
  }
}

TEST(LibraryPath, WhatIsNotThereIsSaidNotToBe) {
  try {
    find_in_library_path("libnone.so");
    FAIL();
  } catch (const LibraryError& error) {
    EXPECT_EQ(error.kind(), LibraryError::Kind::kNoFile);
    EXPECT_NE(std::string(error.what()).find("library 'libnone.so': not found in /etc/ld.so.cache, "),
              std::string::npos)
        << error.what();
  }
}

// A host that searches its plugin by name in the folders of LD_LIBRARY_PATH.
class ByName : public testing::Test {
 protected:
  ProgramResult run(const std::vector<std::string>& settings) const {
    std::vector<std::string> command{"env",
                                     "LD_LIBRARY_PATH=" + first_.path() + ":" + folder_.path(),
                                     "CONSTRUCTOR_RAN=" + told_,
                                     AGONES_LOADER_HOST,
                                     "nothing",
                                     host_library_path()};
    command.insert(command.end(), settings.begin(), settings.end());
    return run_program(command);
  }
  bool constructor_ran() const { return fs::exists(told_); }

  const TemporaryFolder first_;
  const TemporaryFolder folder_;
  const std::string told_ = folder_.file("constructor-ran");
  const std::string plugin_ = folder_.file("libtelling.so");
};

TEST_F(ByName, ATrustedFileIsLoaded) {
  fs::copy_file(AGONES_TELLING_PLUGIN, plugin_);
  // Text where the linker would look first is passed over, as a file for another machine is.
  std::ofstream(first_.file("libtelling.so")) << std::string(
                                                     "\x7f"
                                                     "ELF\x01",
                                                     5)
                                              << std::string(60, '\0');
  const ProgramResult result = run({"plugin_file=libtelling.so"});
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_TRUE(constructor_ran());
}

TEST_F(ByName, NothingOfAFileRunsThatOthersCanWrite) {
  fs::copy_file(AGONES_TELLING_PLUGIN, plugin_);
  fs::permissions(plugin_, fs::perms::others_write, fs::perm_options::add);
  fs::permissions(folder_.path(), fs::perms::others_write, fs::perm_options::add);
  const ProgramResult result = run({"plugin_file=libtelling.so"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("can be written by other users"), std::string::npos) << result.output;
  EXPECT_FALSE(constructor_ran());
}

TEST_F(ByName, NothingOfAFileRunsThatHasAnotherHash) {
  fs::copy_file(AGONES_TELLING_PLUGIN, plugin_);
  const ProgramResult result = run({"plugin_file=libtelling.so", "plugin_sha256=" + std::string(64, '0')});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("its SHA-256 is "), std::string::npos) << result.output;
  EXPECT_FALSE(constructor_ran());
}

TEST_F(ByName, NothingOfAFileRunsThatIsDamaged) {
  fs::copy_file(AGONES_TELLING_PLUGIN, plugin_);
  fs::resize_file(plugin_, fs::file_size(plugin_) - 8);
  EXPECT_EQ(run({"plugin_file=libtelling.so"}).exit_code, 1);
  EXPECT_FALSE(constructor_ran());
}

// Who can write to a folder above can exchange all that is below.
class Trust : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.file("above/below"));
    fs::copy_file(AGONES_TELLING_PLUGIN, plugin_);
  }

  static std::string refusal(const std::string& path) {
    try {
      Library::load(path);
      return "";
    } catch (const LibraryError& error) {
      EXPECT_EQ(error.kind(), LibraryError::Kind::kNotTrusted) << error.what();
      return error.what();
    }
  }

  static void let_others_write(const std::string& folder) {
    fs::permissions(folder, fs::perms::others_write, fs::perm_options::add);
  }

  const TemporaryFolder folder_;
  const std::string above_ = folder_.file("above");
  const std::string plugin_ = folder_.file("above/below/plugin.so");
};

TEST_F(Trust, EveryFolderAboveTheFileIsLookedAt) {
  EXPECT_EQ(refusal(plugin_), "");
  let_others_write(above_);
  EXPECT_EQ(refusal(plugin_), "library '" + plugin_ + "': the folder '" + above_ + "' can be written by other users");
  EXPECT_NE(refusal(folder_.file("above/below/../below/./plugin.so")), "");
}

TEST_F(Trust, EveryFolderAboveWhatALinkLeadsToIsLookedAt) {
  const TemporaryFolder closed;
  fs::create_directory_symlink(folder_.file("above/below"), closed.file("link"));
  fs::create_symlink("link/plugin.so", closed.file("plugin.so"));
  EXPECT_EQ(refusal(closed.file("plugin.so")), "");
  let_others_write(above_);
  EXPECT_NE(refusal(closed.file("plugin.so")).find("the folder '" + above_ + "' can be written"), std::string::npos);
}

// A link on the way lies in a folder that is neither the named one nor the last one.
TEST_F(Trust, TheFoldersOfTheLinksBetweenAreLookedAt) {
  const TemporaryFolder closed;
  const TemporaryFolder open;
  fs::create_symlink(plugin_, open.file("second"));
  fs::create_symlink(open.file("second"), closed.file("first"));
  EXPECT_EQ(refusal(closed.file("first")), "");
  let_others_write(open.path());
  EXPECT_NE(refusal(closed.file("first")).find("the folder '" + open.path() + "' can be written"), std::string::npos);
}

TEST_F(Trust, LinksThatLeadRoundInACircleEnd) {
  fs::create_symlink("b", folder_.file("a"));
  fs::create_symlink("a", folder_.file("b"));
  EXPECT_THROW(Library::load(folder_.file("a")), LibraryError);
}

TEST_F(Trust, AFolderThatOthersWriteToButMayNotTakeFromIsGood) {
  ASSERT_EQ(chmod(above_.c_str(), 01777), 0);
  EXPECT_EQ(refusal(plugin_), "");
}

// A pipe without a writer keeps who opens it waiting.
TEST(LibraryFile, WhatIsNoFileIsRefusedAtOnce) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.file("pipe.so").c_str(), 0600), 0);
  EXPECT_THROW(Library::load(folder.file("pipe.so")), LibraryError);
  EXPECT_THROW(Library::load(folder.path()), LibraryError);
  std::ofstream(folder.file("large.so")) << "\x7f"
                                            "ELF";
  fs::resize_file(folder.file("large.so"), std::uintmax_t{1} << 40U);
  try {
    Library::load(folder.file("large.so"));
    FAIL();
  } catch (const LibraryError& error) {
    EXPECT_NE(std::string(error.what()).find("it has more than 1 GiB"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace agones::test
