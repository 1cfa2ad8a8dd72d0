// SPDX-License-Identifier: Apache-2.0
#include "game-host/file_watch.h"

#include <utility>

namespace game_host {

namespace {

constexpr std::chrono::milliseconds kInterval{250};

}  // namespace

FileWatch::FileWatch(std::string path) : path_(std::move(path)), known_(look()), seen_(known_) {}

FileWatch::Stamp FileWatch::look() const {
  struct stat info {};
  if (stat(path_.c_str(), &info) != 0) {
    return {};
  }
  return {info.st_ino, info.st_size, info.st_mtim};
}

bool FileWatch::changed() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) {
    return false;
  }
  next_look_ = now + kInterval;
  const Stamp before = std::exchange(seen_, look());
  if (seen_ == known_ || !(seen_ == before) || seen_.inode == 0) {
    return false;
  }
  known_ = seen_;
  return true;
}

}  // namespace game_host
