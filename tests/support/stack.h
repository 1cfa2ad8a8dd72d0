// SPDX-License-Identifier: Apache-2.0
// How much of its caller's stack a function takes: a stack is painted, and what was written over counts.
#pragma once

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <stdexcept>

namespace agones::test {

// What the header says.
inline constexpr std::size_t kStackOfInit = 32 << 10;
inline constexpr std::size_t kStackOfOthers = 16 << 10;

// With what a thread itself has on it.
inline std::size_t painted_over(const std::function<void()>& body) {
  constexpr std::size_t kSize = 1 << 20;
  constexpr unsigned char kPaint = 0xa5;
  void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::runtime_error("mmap");
  }
  std::memset(memory, kPaint, kSize);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, memory, kSize);
  const auto run = [](void* self) -> void* {
    (*static_cast<const std::function<void()>*>(self))();
    return nullptr;
  };
  pthread_t thread;
  if (pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&body)) != 0) {
    throw std::runtime_error("pthread_create");
  }
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  const auto* bytes = static_cast<const unsigned char*>(memory);
  const auto* written = std::find_if(bytes, bytes + kSize, [](unsigned char byte) { return byte != kPaint; });
  const auto used = static_cast<std::size_t>(bytes + kSize - written);
  munmap(memory, kSize);
  return used;
}

inline std::size_t stack_taken(const std::function<void()>& body) {
  const std::size_t of_thread = painted_over([] {});
  return std::max(painted_over(body), of_thread) - of_thread;
}

}  // namespace agones::test
