// SPDX-License-Identifier: Apache-2.0
// A file's bytes, for programs. (The plugin reads its few files in stream/pem.cpp, without an exception and with the system's reason.)
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace agones::plugin {

// Empty for no path. Throws what says that it can't be read.
inline std::string read_file(const std::string& path) {
  if (path.empty()) {
    return {};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error("cannot read '" + path + "'");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace agones::plugin
