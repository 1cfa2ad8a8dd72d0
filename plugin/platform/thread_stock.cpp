// SPDX-License-Identifier: Apache-2.0
#include "platform/thread_stock.h"

#include <cstdlib>
#include <memory>

namespace agones::plugin {

namespace {

// One variable of this library's is enough for the memory of all of them to be there.
thread_local volatile char t_own = 0;

// What a thread takes when it first needs it, and what ends the process if it can't be had then.
void take_what_a_thread_needs() {
  t_own = 1;
  // The allocator's arena of this thread.
  void* volatile memory = std::malloc(1);
  std::free(memory);
}

}  // namespace

void* ThreadStock::wait_for_work(void* spare) {
  take_what_a_thread_needs();
  Body body = nullptr;
  void* argument = nullptr;
  {
    const std::unique_ptr<Spare> self(static_cast<Spare*>(spare));
    std::unique_lock<std::mutex> lock(self->stock->mutex_);
    self->ready = true;
    self->stock->changed_.notify_all();
    self->stock->changed_.wait(lock, [&] { return self->body != nullptr || self->ended; });
    body = self->body;
    argument = self->argument;
  }
  return body != nullptr ? body(argument) : nullptr;
}

int ThreadStock::fill(std::size_t count, Create create) {
  std::unique_lock<std::mutex> lock(mutex_);
  waiting_.reserve(count);
  while (waiting_.size() < count) {
    auto spare = std::make_unique<Spare>();
    spare->stock = this;
    if (const int error = create(&spare->handle, wait_for_work, spare.get()); error != 0) {
      return error;
    }
    pthread_setname_np(spare->handle, "proc-spare");
    waiting_.push_back(spare.release());
    changed_.wait(lock, [added = waiting_.back()] { return added->ready; });
    count_.store(waiting_.size());
  }
  return 0;
}

bool ThreadStock::give(pthread_t* thread, Body body, void* argument) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (waiting_.empty()) {
    return false;
  }
  Spare* spare = waiting_.back();
  waiting_.pop_back();
  count_.store(waiting_.size());
  *thread = spare->handle;
  spare->body = body;
  spare->argument = argument;
  changed_.notify_all();
  return true;
}

void ThreadStock::empty() noexcept {
  while (true) {
    pthread_t handle{};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (waiting_.empty()) {
        return;
      }
      handle = waiting_.back()->handle;
      waiting_.back()->ended = true;
      waiting_.pop_back();
      count_.store(waiting_.size());
      changed_.notify_all();
    }
    pthread_join(handle, nullptr);
  }
}

}  // namespace agones::plugin
