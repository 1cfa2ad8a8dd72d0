// SPDX-License-Identifier: Apache-2.0
#include "loader/trust.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <list>
#include <system_error>

namespace agones {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(LibraryError::Kind kind, const std::string& path, const std::string& problem) {
  throw LibraryError(kind, "library '" + path + "': " + problem);
}

void check_owner(const std::string& path, const std::string& what, const struct stat& info) {
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    fail(LibraryError::Kind::kNotTrusted, path, what + " belongs to another user");
  }
}

void check_writers(const std::string& path, const std::string& what, const struct stat& info,
                   const LoadOptions& options) {
  check_owner(path, what, info);
  // In a folder with the sticky bit nobody can replace another user's file.
  if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) {
    return;
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    fail(LibraryError::Kind::kNotTrusted, path, what + " can be written by other users");
  }
  const bool own_group = info.st_gid == getegid() || info.st_gid == 0;
  if ((info.st_mode & S_IWGRP) != 0 && !own_group && !options.allow_writable_by_group) {
    fail(LibraryError::Kind::kNotTrusted, path,
         what + " can be written by other users, those of group " + std::to_string(info.st_gid));
  }
}

// Follows a path as the kernel does, from the root on, and looks at every folder and link on it: whoever can write to one of
// them can exchange all that is below.
class Way {
 public:
  Way(const std::string& path, const LoadOptions& options)
      : path_(path), options_(options), named_(fs::absolute(path)) {
    std::error_code error;
    own_folder_ = fs::canonical(named_.parent_path(), error);
    linked_folder_ = fs::canonical(named_, error).parent_path();
  }

  void check() {
    check_folder("/");
    here_ = "/";
    ahead_.assign(named_.begin(), named_.end());
    while (!ahead_.empty()) {
      const fs::path part = ahead_.front();
      ahead_.pop_front();
      if (part == "..") {
        here_ = here_.parent_path();
      } else if (!part.empty() && part != "." && part != "/") {
        enter(here_ / part);
      }
    }
  }

 private:
  static constexpr int kMostLinks = 40;  // as the kernel has it

  void enter(const fs::path& next) {
    struct stat info {};
    if (lstat(next.c_str(), &info) != 0) {
      fail(LibraryError::Kind::kNoFile, path_, "'" + next.string() + "': " + std::strerror(errno));
    }
    if (S_ISLNK(info.st_mode)) {
      follow(next, info);
      return;
    }
    if (S_ISDIR(info.st_mode)) {
      check_writers(path_, name_of(next), info, options_);
    }
    here_ = next;
  }

  void follow(const fs::path& link, const struct stat& info) {
    // In a folder with the sticky bit its owner could let it lead elsewhere.
    check_owner(path_, "the link '" + link.string() + "'", info);
    if (++links_ > kMostLinks) {
      fail(LibraryError::Kind::kNoFile, path_, std::strerror(ELOOP));
    }
    const fs::path target = fs::read_symlink(link);
    if (target.is_absolute()) {
      here_ = "/";
    }
    ahead_.insert(ahead_.begin(), target.begin(), target.end());
  }

  void check_folder(const fs::path& folder) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) {
      fail(LibraryError::Kind::kNoFile, path_, "'" + folder.string() + "': " + std::strerror(errno));
    }
    check_writers(path_, name_of(folder), info, options_);
  }

  std::string name_of(const fs::path& folder) const {
    if (folder == own_folder_) {
      return "its folder";
    }
    return folder == linked_folder_ ? "the folder that it links to" : "the folder '" + folder.string() + "'";
  }

  const std::string& path_;
  const LoadOptions& options_;
  const fs::path named_;
  fs::path own_folder_;
  fs::path linked_folder_;
  fs::path here_;
  std::list<fs::path> ahead_;
  int links_ = 0;
};

}  // namespace

void check_trust(const std::string& path, const struct stat& file, const LoadOptions& options) {
  if (options.allow_writable_by_others) {
    return;
  }
  check_writers(path, "the file", file, options);
  Way(path, options).check();
}

}  // namespace agones
