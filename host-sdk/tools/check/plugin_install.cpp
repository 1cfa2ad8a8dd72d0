// SPDX-License-Identifier: Apache-2.0
#include "check/plugin_install.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>

namespace check {

void install_plugin(const std::string& file, const std::string& folder) {
  namespace fs = std::filesystem;
  const fs::path to = fs::path(folder) / fs::path(file).filename();
  fs::path temporary = to;
  temporary += ".new-" + std::to_string(getpid());
  try {
    fs::copy_file(file, temporary, fs::copy_options::overwrite_existing);
    // A host refuses what others may write to.
    fs::permissions(temporary, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                   fs::perms::others_read | fs::perms::others_exec);
    fs::rename(temporary, to);
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  std::cout << "it is now " << to.string() << '\n';
}

}  // namespace check
