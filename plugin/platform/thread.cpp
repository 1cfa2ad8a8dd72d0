// SPDX-License-Identifier: Apache-2.0
#include "platform/thread.h"

#include <memory>
#include <system_error>

namespace agones::plugin {

Thread::Thread(const char* name, std::function<void()> body) {
  using Body = std::function<void()>;
  auto owned = std::make_unique<Body>(std::move(body));
  const auto run = [](void* given) -> void* {
    const std::unique_ptr<Body> run_once(static_cast<Body*>(given));
    (*run_once)();
    return nullptr;
  };
  const int error = pthread_create(&handle_, nullptr, run, owned.get());
  if (error != 0) {
    throw std::system_error(error, std::generic_category(),
                            "pthread_create (RLIMIT_NPROC, or a seccomp profile that forbids clone3 or clone)");
  }
  static_cast<void>(owned.release());  // the thread's
  pthread_setname_np(handle_, name);
}

void Thread::join() {
  if (!joined_) {
    pthread_join(handle_, nullptr);
    joined_ = true;
  }
}

void Thread::leave() {
  if (!joined_) {
    pthread_detach(handle_);
    joined_ = true;
  }
}

}  // namespace agones::plugin
