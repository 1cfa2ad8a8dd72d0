// SPDX-License-Identifier: Apache-2.0
#include "failures/injection.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "support/process.h"

// The linker's: where this program's code lies.
extern "C" const char __executable_start;  // NOLINT(bugprone-reserved-identifier)
extern "C" const char etext;

namespace agones::test {

namespace {

enum class Owner : std::uint8_t { kLibrary, kPlugin, kOther };

struct Symbol {
  std::uintptr_t start;
  Owner owner;
  std::string name;
};

constexpr int kFrames = 24;

// Filled before anything fails, read by all threads afterwards.
std::uintptr_t g_start = 0;
std::uintptr_t g_end = 0;
std::vector<Symbol>* g_symbols = nullptr;
std::atomic<Resource> g_resource{Resource::kMemory};
std::atomic<std::size_t> g_first{0};  // 0: nothing fails
std::atomic<std::size_t> g_last{0};
std::atomic<std::size_t> g_asked{0};
std::atomic<int> g_refused_frames{0};
void* g_refused[kFrames];
thread_local bool t_inside = false;
thread_local bool t_failing = false;  // this thread called fail() last

bool in_plugin(const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  return place >= g_start && place < g_end;
}

const Symbol* symbol_of(const void* address) {
  if (!in_plugin(address)) {
    return nullptr;
  }
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(address) - g_start;
  const auto after = std::upper_bound(g_symbols->begin(), g_symbols->end(), offset,
                                      [](std::uintptr_t place, const Symbol& symbol) { return place < symbol.start; });
  return after == g_symbols->begin() ? nullptr : &*std::prev(after);
}

// Whether the one who asks, past the C++ library, is the plugin's own code.
bool is_plugins_own(void* const* frames, int count, void* caller) {
  const auto first = std::find(frames, frames + count, caller) - frames;
  for (auto i = first; i < count; ++i) {
    if (frames[i] >= &__executable_start && frames[i] < &etext) {
      return false;  // the host's, called back
    }
    const Symbol* symbol = symbol_of(frames[i]);
    if (symbol != nullptr && symbol->owner != Owner::kLibrary) {
      return symbol->owner == Owner::kPlugin;
    }
  }
  return false;
}

bool is_to_fail(Resource resource) {
  if (g_first.load() == 0 || g_resource.load() != resource) {
    return false;
  }
  const std::size_t asked = g_asked.fetch_add(1) + 1;
  return asked >= g_first.load() && asked < g_last.load();
}

// As the system does it.
bool refuses_descriptor(const void* caller) {
  const bool refused = in_plugin(caller) && is_to_fail(Resource::kDescriptor);
  if (refused) {
    errno = EMFILE;
  }
  return refused;
}

bool refuses_mapping(const void* caller) {
  const Symbol* symbol = symbol_of(caller);
  const bool refused =
      t_failing && symbol != nullptr && symbol->owner == Owner::kPlugin && is_to_fail(Resource::kMapping);
  if (refused) {
    errno = ENOMEM;
  }
  return refused;
}

void* allocate(std::size_t size, void* caller) {
  if (g_first.load(std::memory_order_relaxed) != 0 && g_resource.load() == Resource::kMemory && !t_inside) {
    t_inside = true;
    void* frames[kFrames];
    const int count = backtrace(frames, kFrames);
    const bool failing = is_plugins_own(frames, count, caller) && is_to_fail(Resource::kMemory);
    t_inside = false;
    if (failing) {
      std::copy_n(frames, count, g_refused);
      g_refused_frames.store(count);
      throw std::bad_alloc();
    }
  }
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

Owner owner_by_name(const std::string& name) {
  if (name.find("agones::plugin") != std::string::npos || name.rfind("proc_", 0) == 0) {
    return Owner::kPlugin;
  }
  return name.rfind("std::", 0) == 0 || name.rfind("void std::", 0) == 0 || name.rfind("__gnu_cxx", 0) == 0
             ? Owner::kLibrary
             : Owner::kOther;
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void watch_plugin(const std::string& path) {
  auto* map = static_cast<link_map*>(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (map == nullptr) {
    throw std::runtime_error(dlerror());
  }
  static std::vector<Symbol> symbols;
  symbols.clear();
  std::istringstream lines(run_program({"nm", "-C", "--defined-only", path}).output);
  std::uintptr_t last = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::uintptr_t start = 0;
    char type = 0;
    if (words >> std::hex >> start >> type && (type == 't' || type == 'T' || type == 'w' || type == 'W')) {
      std::string name;
      std::getline(words >> std::ws, name);
      symbols.push_back({start, owner_by_name(name), name});
      last = std::max(last, start);
    }
  }
  std::sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) { return a.start < b.start; });
  void* frames[4];
  backtrace(frames, 4);  // loads what it needs
  g_symbols = &symbols;
  g_start = map->l_addr;
  g_end = map->l_addr + last + (1U << 16);
}

void fail(Resource resource, std::size_t n, std::size_t count) {
  g_asked.store(0);
  g_resource.store(resource);
  g_last.store(n + count);
  g_first.store(n);
  t_failing = true;
}

bool stop_failing() {
  const bool failed = g_asked.load() >= g_first.load();
  g_first.store(0);
  return failed;
}

std::string last_refused() {
  std::string names;
  for (int i = 0; i < g_refused_frames.load(); ++i) {
    if (const Symbol* symbol = symbol_of(g_refused[i])) {
      names += "  " + symbol->name.substr(0, 160) + "\n";
    }
  }
  return names;
}

}  // namespace agones::test

void* operator new(std::size_t size) {
  return agones::test::allocate(size, __builtin_return_address(0));
}
void* operator new[](std::size_t size) {
  return agones::test::allocate(size, __builtin_return_address(0));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

extern "C" {

__attribute__((visibility("default"))) int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                                          void* (*body)(void*), void* argument) {
  using namespace agones::test;
  if (in_plugin(__builtin_return_address(0)) && is_to_fail(Resource::kThread)) {
    return EAGAIN;
  }
  static const auto next = real<decltype(&pthread_create)>("pthread_create");
  return next(thread, attributes, body, argument);
}

__attribute__((visibility("default"))) int socket(int domain, int type, int protocol) {
  using namespace agones::test;
  if (refuses_descriptor(__builtin_return_address(0))) {
    return -1;
  }
  static const auto next = real<decltype(&socket)>("socket");
  return next(domain, type, protocol);
}

__attribute__((visibility("default"))) int eventfd(unsigned int count, int flags) {
  using namespace agones::test;
  if (refuses_descriptor(__builtin_return_address(0))) {
    return -1;
  }
  static const auto next = real<decltype(&eventfd)>("eventfd");
  return next(count, flags);
}

__attribute__((visibility("default"))) int epoll_create1(int flags) {
  using namespace agones::test;
  if (refuses_descriptor(__builtin_return_address(0))) {
    return -1;
  }
  static const auto next = real<decltype(&epoll_create1)>("epoll_create1");
  return next(flags);
}

__attribute__((visibility("default"))) void* mmap(void* address, std::size_t size, int protection, int flags, int fd,
                                                  off_t offset) {
  using namespace agones::test;
  if (refuses_mapping(__builtin_return_address(0))) {
    return MAP_FAILED;
  }
  static const auto next = real<decltype(&mmap)>("mmap");
  return next(address, size, protection, flags, fd, offset);
}

__attribute__((visibility("default"))) int madvise(void* address, std::size_t size, int advice) {
  using namespace agones::test;
  if (refuses_mapping(__builtin_return_address(0))) {
    return -1;
  }
  static const auto next = real<decltype(&madvise)>("madvise");
  return next(address, size, advice);
}

}  // extern "C"
