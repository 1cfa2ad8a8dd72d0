// SPDX-License-Identifier: Apache-2.0
// Threads that are started before they are needed. gRPC copes with no failure to start one: it waits for ever for what
// that thread would have done. With those that it needs in stock, the failure comes while there is nothing to be left
// behind.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace agones::plugin {

class ThreadStock {
 public:
  using Body = void* (*)(void*);
  // As pthread_create, for a thread that waits until it is given something to do.
  using Create = int (*)(pthread_t* thread, Body body, void* argument);

  // Until so many wait, each with what a thread needs of memory. Returns 0, or pthread_create's error; those that wait
  // by then go on waiting.
  int fill(std::size_t count, Create create);
  bool is_empty() const { return count_.load() == 0; }
  // Gives the body to a thread that waits; false if none does. Afterwards it is the caller's, joinable.
  bool give(pthread_t* thread, Body body, void* argument);
  // The threads that wait end.
  void empty() noexcept;

 private:
  // A thread that waits; on its own stack.
  struct Spare {
    pthread_t handle{};
    Body body = nullptr;
    void* argument = nullptr;
    bool ended = false;
    Spare* next = nullptr;
  };

  static void* wait_for_work(void* stock);
  // Null if none waits.
  Spare* take();

  std::mutex mutex_;
  std::condition_variable changed_;
  Spare* waiting_ = nullptr;  // and what follows it
  std::atomic<std::size_t> count_{0};
  std::size_t starting_ = 0;
};

}  // namespace agones::plugin
