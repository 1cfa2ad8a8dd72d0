// SPDX-License-Identifier: Apache-2.0
#include "platform/thread_stock.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

namespace agones::plugin {

namespace {

// One variable of this library's is enough for the memory of all of them to be there.
thread_local volatile char t_own = 0;

// Address space that nobody else has as long as this lives. (The compiler may leave out memory that is not used.)
class AddressSpace {
 public:
  AddressSpace() : start_(mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (start_ == MAP_FAILED) {
      throw std::bad_alloc();
    }
  }
  ~AddressSpace() { munmap(start_, kSize); }
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

 private:
  static constexpr std::size_t kSize = 1U << 20;

  void* start_;
};

// What a thread takes when it first needs it, and what ends the process if it can't be had then.
void take_what_a_thread_needs() {
  t_own = 1;
  // The allocator's arena of this thread.
  void* volatile memory = std::malloc(1);
  std::free(memory);
}

}  // namespace

void* ThreadStock::wait_for_work(void* stock) {
  pthread_setname_np(pthread_self(), "proc-spare");
  auto& self = *static_cast<ThreadStock*>(stock);
  Spare spare;
  spare.handle = pthread_self();
  {
    std::unique_lock<std::mutex> lock(self.mutex_);
    take_what_a_thread_needs();
    spare.next = self.waiting_;
    self.waiting_ = &spare;
    ++self.count_;
    --self.starting_;
    self.changed_.notify_all();
    self.changed_.wait(lock, [&] { return spare.body != nullptr || spare.ended; });
  }
  return spare.body != nullptr ? spare.body(spare.argument) : nullptr;
}

int ThreadStock::fill(std::size_t count, Create create) {
  std::unique_lock<std::mutex> lock(mutex_);
  // The stacks must leave something for what the threads need: that is taken once the lock is given up.
  std::optional<AddressSpace> kept_free(std::in_place);
  int error = 0;
  while (error == 0 && count_ + starting_ < count) {
    pthread_t handle{};
    ++starting_;
    error = create(&handle, wait_for_work, this);
    starting_ -= error == 0 ? 0 : 1;
  }
  kept_free.reset();
  changed_.wait(lock, [this] { return starting_ == 0; });
  return error;
}

ThreadStock::Spare* ThreadStock::take() {
  Spare* spare = waiting_;
  if (spare != nullptr) {
    waiting_ = spare->next;
    --count_;
  }
  return spare;
}

bool ThreadStock::give(pthread_t* thread, Body body, void* argument) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Spare* spare = take();
  if (spare == nullptr) {
    return false;
  }
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
      Spare* spare = take();
      if (spare == nullptr) {
        return;
      }
      handle = spare->handle;
      spare->ended = true;
      changed_.notify_all();
    }
    pthread_join(handle, nullptr);
  }
}

}  // namespace agones::plugin
