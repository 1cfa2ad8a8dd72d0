// SPDX-License-Identifier: Apache-2.0
// Notices that a file has another content than when it was last asked about.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <string>

namespace game_host {

class FileWatch {
 public:
  explicit FileWatch(std::string path);

  // True once for every change, when the file has stayed the same for a moment: a copy may be under way.
  bool changed();

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = 0;
    timespec time{};
    bool operator==(const Stamp& other) const {
      return inode == other.inode && size == other.size && time.tv_sec == other.time.tv_sec &&
             time.tv_nsec == other.time.tv_nsec;
    }
  };
  Stamp look() const;

  std::string path_;
  Stamp known_;
  Stamp seen_;
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace game_host
