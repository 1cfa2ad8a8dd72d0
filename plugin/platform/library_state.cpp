// SPDX-License-Identifier: Apache-2.0
#include "platform/library_state.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <new>
#include <set>
#include <vector>

extern "C" int __real_close(int fd);  // NOLINT(bugprone-reserved-identifier): the linker's name

namespace agones::plugin::library_state {

namespace {

std::atomic<int> g_clients{0};

class ThreadRegistry {
 public:
  void starting() { starting_.fetch_add(1); }
  void not_started() { starting_.fetch_sub(1); }

  void started(pid_t tid) {
    const std::lock_guard<std::mutex> lock(mutex_);
    forget_ended();
    tids_.push_back(tid);
    starting_.fetch_sub(1);
  }

  std::vector<pid_t> live() {
    const std::lock_guard<std::mutex> lock(mutex_);
    forget_ended();
    return tids_;
  }

  int starting_count() const { return starting_.load(); }

 private:
  static bool ended(pid_t tid) { return syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH; }

  void forget_ended() { tids_.erase(std::remove_if(tids_.begin(), tids_.end(), ended), tids_.end()); }

  std::atomic<int> starting_{0};
  std::mutex mutex_;
  std::vector<pid_t> tids_;
};

class FdRegistry {
 public:
  int opened(int fd) {
    if (fd >= 0) {
      const std::lock_guard<std::mutex> lock(mutex_);
      fds_.insert(fd);
    }
    return fd;
  }

  void closing(int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    fds_.erase(fd);
  }

  ~FdRegistry() {
    for (const int fd : fds_) {
      __real_close(fd);
    }
  }

 private:
  std::mutex mutex_;
  std::set<int> fds_;
};

struct Registries {
  ThreadRegistry threads;
  FdRegistry fds;
};

// On the heap, because a process that exits with clients alive runs static destructors while their threads
// still use the registries.
std::atomic<Registries*> g_registries{new Registries};

// The library is unmapped, or the process exits. Null afterwards: whoever still closes a descriptor is not counted.
__attribute__((destructor)) void forget_registries() {
  if (clients() == 0 && live_threads() == 0) {
    delete g_registries.exchange(nullptr);
  }
}

int register_fd(int fd) {
  Registries* registries = g_registries.load();
  return registries != nullptr ? registries->fds.opened(fd) : fd;
}

void forget_fd(int fd) {
  if (Registries* registries = g_registries.load()) {
    registries->fds.closing(fd);
  }
}

struct Start {
  void* (*body)(void*);
  void* argument;
};

void* run_registered(void* start_block) {
  const Start start = *static_cast<Start*>(start_block);
  delete static_cast<Start*>(start_block);
  g_registries.load()->threads.started(static_cast<pid_t>(syscall(SYS_gettid)));
  return start.body(start.argument);
}

std::string thread_name(pid_t tid) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/task/%d/comm", static_cast<int>(tid));
  std::string name;
  if (std::FILE* file = std::fopen(path, "re")) {
    char text[32] = {};
    if (std::fgets(text, sizeof(text), file) != nullptr) {
      name = text;
    }
    std::fclose(file);
  }
  while (!name.empty() && name.back() == '\n') {
    name.pop_back();
  }
  return name.empty() ? "?" : name;
}

}  // namespace

void client_made() {
  g_clients.fetch_add(1);
}

void client_freed() {
  g_clients.fetch_sub(1);
}

int clients() {
  return g_clients.load();
}

int live_threads() {
  ThreadRegistry& threads = g_registries.load()->threads;
  return threads.starting_count() + static_cast<int>(threads.live().size());
}

std::string live_thread_names() {
  std::string names;
  for (const pid_t tid : g_registries.load()->threads.live()) {
    names += names.empty() ? "" : ", ";
    names += thread_name(tid);
  }
  return names;
}

}  // namespace agones::plugin::library_state

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

int __real_epoll_create1(int flags);
int __real_eventfd(unsigned int count, int flags);
int __real_close(int fd);

int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  return agones::plugin::library_state::register_fd(__real_epoll_create1(flags));
}

int __wrap_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags) {
  return agones::plugin::library_state::register_fd(__real_eventfd(count, flags));
}

int __wrap_close(int fd);
int __wrap_close(int fd) {
  agones::plugin::library_state::forget_fd(fd);
  return __real_close(fd);
}

int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  using namespace agones::plugin::library_state;
  auto* start = new (std::nothrow) Start{body, argument};
  if (start == nullptr) {
    return EAGAIN;
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  g_registries.load()->threads.starting();
  const int error = __real_pthread_create(thread, attributes, run_registered, start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    g_registries.load()->threads.not_started();
    delete start;
  }
  return error;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
