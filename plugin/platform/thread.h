// SPDX-License-Identifier: Apache-2.0
// A thread of the plugin: named, joined by its destructor unless it is left to itself. std::thread would be started by
// libstdc++, past the library's thread registry.
#pragma once

#include <pthread.h>

#include <functional>

namespace agones::plugin {

class Thread {
 public:
  // `name`: at most 15 characters, shown by ps and debuggers. Throws std::system_error.
  Thread(const char* name, std::function<void()> body);
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void join();
  // Nobody waits for its end any more: what the body uses is its own.
  void leave();

 private:
  pthread_t handle_{};
  bool joined_ = false;
};

}  // namespace agones::plugin
