// SPDX-License-Identifier: Apache-2.0
#include "loader/trust.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace agones {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(LibraryError::Kind kind, const std::string& path, const std::string& problem) {
  throw LibraryError(kind, "library '" + path + "': " + problem);
}

void check_owner(const std::string& path, const std::string& what, const struct stat& info,
                 const LoadOptions& options) {
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    fail(LibraryError::Kind::kNotTrusted, path, what + " belongs to another user");
  }
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

void check_folder(const std::string& path, const fs::path& folder, const std::string& what,
                  const LoadOptions& options) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) {
    fail(LibraryError::Kind::kNoFile, path, what + ": " + std::strerror(errno));
  }
  check_owner(path, what, info, options);
}

}  // namespace

void check_trust(const std::string& path, const struct stat& file, const LoadOptions& options) {
  if (options.allow_writable_by_others) {
    return;
  }
  check_owner(path, "the file", file, options);
  const fs::path named = fs::absolute(path).parent_path();
  check_folder(path, named, "its folder", options);
  std::error_code error;
  const fs::path real = fs::canonical(path, error).parent_path();
  if (!error && real != named) {
    check_folder(path, real, "the folder that it links to", options);
  }
}

}  // namespace agones
