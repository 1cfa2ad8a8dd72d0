// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agones/plugin.hpp"

namespace agones {

// A copy of a plugin's file in memory that nobody can change, with a path to load it by. The path is
// unique while this object lives, so it must outlive the library.
class SealedCopy {
 public:
  // Checks what the options ask for. Throws PluginError.
  SealedCopy(const std::string& path, const PluginOptions& options);
  ~SealedCopy();
  SealedCopy(const SealedCopy&) = delete;
  SealedCopy& operator=(const SealedCopy&) = delete;

  std::string path() const;

 private:
  int fd_;
};

}  // namespace agones
