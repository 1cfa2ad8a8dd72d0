// SPDX-License-Identifier: Apache-2.0
#include "platform/thread.h"

#include <system_error>

namespace agones::plugin {

Thread::Thread(const char* name, std::function<void()> body) : body_(std::move(body)) {
  const auto run = [](void* self) -> void* {
    static_cast<Thread*>(self)->body_();
    return nullptr;
  };
  const int error = pthread_create(&handle_, nullptr, run, this);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_create");
  }
  pthread_setname_np(handle_, name);
}

void Thread::join() {
  if (!joined_) {
    pthread_join(handle_, nullptr);
    joined_ = true;
  }
}

}  // namespace agones::plugin
