// SPDX-License-Identifier: Apache-2.0
#include "platform/library_state.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <system_error>
#include <vector>

#include "base/result.h"
#include "platform/client_count.h"
#include "platform/signals_blocked.h"
#include "platform/thread_stock.h"
#include "text/english.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
int __real_close(int fd);
int __real_connect(int fd, const sockaddr* address, socklen_t size);
int __real_eventfd(unsigned int count, int flags);
int __real_pthread_key_create(pthread_key_t* key, void (*destructor)(void*));
int __real_pthread_key_delete(pthread_key_t key);
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace agones::plugin::library_state {

namespace {

class ThreadRegistry {
 public:
  // Makes room for it, because a thread that has started can't fail any more. False if there is no memory.
  bool starting() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    try {
      tids_.reserve(tids_.size() + static_cast<std::size_t>(starting_.load()) + 1);
    } catch (const std::bad_alloc&) {
      return false;
    }
    starting_.fetch_add(1);
    return true;
  }
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

// Sockets that were connected, or are to be, and on which thread.
class SocketRegistry {
 public:
  void connecting(int fd) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    try {
      sockets_.push_back({fd, pthread_self()});
    } catch (const std::bad_alloc&) {
      // Then it ends by its timeout.
    }
  }

  void closing(int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto is_it = [fd](const Socket& socket) { return socket.fd == fd; };
    sockets_.erase(std::remove_if(sockets_.begin(), sockets_.end(), is_it), sockets_.end());
  }

  // Whoever waits for them is told by the system. They are not closed: that is for who opened them.
  void break_off(pthread_t thread, bool those_of_other_threads) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Socket& socket : sockets_) {
      if (those_of_other_threads || pthread_equal(socket.thread, thread) != 0) {
        shutdown(socket.fd, SHUT_RDWR);
      }
    }
  }

 private:
  struct Socket {
    int fd;
    pthread_t thread;
  };

  std::mutex mutex_;
  std::vector<Socket> sockets_;
};

// Keys of thread-local data. A thread of the host's that has such data and ends after the library is unmapped would call the
// key's destructor, which is gone.
class KeyRegistry {
 public:
  void created(pthread_key_t key) { live_[key].store(true); }
  // False if it is not known, or was deleted before.
  bool deleting(pthread_key_t key) { return key < live_.size() && live_[key].exchange(false); }

  ~KeyRegistry() {
    for (pthread_key_t key = 0; key < live_.size(); ++key) {
      if (deleting(key)) {
        __real_pthread_key_delete(key);
      }
    }
  }

 private:
  std::array<std::atomic<bool>, PTHREAD_KEYS_MAX> live_{};
};

// Descriptors that are open so that they can be closed when gRPC is to open one and can't.
class FdReserve {
 public:
  static constexpr std::size_t kMost = 16;

  // Returns how many it then has.
  std::size_t fill(std::size_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (; count_ < count; ++count_) {
      const int fd = __real_eventfd(0, EFD_CLOEXEC);
      if (fd < 0) {
        break;
      }
      fds_[count_] = fd;
    }
    return count_;
  }
  // False if it has none.
  bool give_up_one() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_ > 0 && close_last();
  }
  // To what the start of gRPC may need.
  void shrink() { reduce_to(kKept); }
  void clear() { reduce_to(0); }

 private:
  static constexpr std::size_t kKept = 4;

  void reduce_to(std::size_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (count_ > count) {
      close_last();
    }
  }
  bool close_last() { return __real_close(fds_[--count_]) == 0; }

  std::mutex mutex_;
  std::array<int, kMost> fds_{};
  std::size_t count_ = 0;
};

// Opens; if there is no descriptor, once more with one of the reserve's.
template <typename Open>
int open_surely(FdReserve& reserve, const Open& open) {
  int fd = open();
  if (fd < 0 && (errno == EMFILE || errno == ENFILE) && reserve.give_up_one()) {
    fd = open();
  }
  return fd;
}

struct Registries {
  ThreadRegistry threads;
  FdRegistry fds;
  SocketRegistry sockets;
  KeyRegistry keys;
  FdReserve reserve;
  ThreadStock stock;
  ClientCount clients;
  std::atomic<int> left_threads{0};
  std::atomic<int> connections_ends{0};
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

thread_local bool t_connects_no_more = false;

bool all_connections_end(const Registries& registries) {
  return registries.connections_ends.load() >= registries.clients.count();
}

template <typename Open>
int open_registered(const Open& open) {
  Registries* registries = g_registries.load();
  return registries != nullptr ? registries->fds.opened(open_surely(registries->reserve, open)) : open();
}

void forget_fd(int fd) {
  if (Registries* registries = g_registries.load()) {
    registries->fds.closing(fd);
    registries->sockets.closing(fd);
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

// Starts a thread that is registered and blocks all signals.
int create_registered(pthread_t* thread, const pthread_attr_t* attributes, ThreadStock::Body body, void* argument) {
  auto* start = new (std::nothrow) Start{body, argument};
  if (start == nullptr || !g_registries.load()->threads.starting()) {
    delete start;
    return EAGAIN;
  }
  const SignalsBlocked blocked;
  const int error = __real_pthread_create(thread, attributes, run_registered, start);
  if (error != 0) {
    g_registries.load()->threads.not_started();
    delete start;
  }
  return error;
}

// gRPC's threads when connected, and the link's.
constexpr std::size_t kThreads = 7;
// gRPC's epoll and event fds, and sockets to some replicas.
constexpr std::size_t kDescriptors = FdReserve::kMost;
// Address space, hardly touched: with less, gRPC meets the end of it soon, and ends the process.
constexpr std::size_t kMemory = 32U << 20;

void reserve_descriptors(FdReserve& reserve) {
  const std::size_t opened = reserve.fill(kDescriptors);
  if (opened < kDescriptors) {
    reserve.clear();
    throw StatusError(PROC_ERR_NO_RESOURCES, "file descriptors: " + std::to_string(opened) + " can be opened, " +
                                                 std::to_string(kDescriptors) +
                                                 " are needed (RLIMIT_NOFILE, see ulimit -n)");
  }
  reserve.shrink();
}

int create_spare(pthread_t* thread, ThreadStock::Body body, void* argument) {
  return create_registered(thread, nullptr, body, argument);
}

}  // namespace

void prepare() {
  reserve_descriptors(g_registries.load()->reserve);
  if (const int error = g_registries.load()->stock.fill(kThreads, create_spare); error != 0) {
    throw StatusError(PROC_ERR_NO_RESOURCES, std::to_string(kThreads) +
                                                 " threads are needed, and cannot be started: " + error_text(error) +
                                                 " (RLIMIT_NPROC, see ulimit -u; a container's pids limit; a seccomp "
                                                 "profile that forbids clone3 or clone; or memory)");
  }
  // All at once, so that what it is for finds it free.
  ::operator delete(::operator new(kMemory));
}

bool keep_spare_thread() noexcept {
  ThreadStock& stock = g_registries.load()->stock;
  try {
    return !stock.is_empty() || stock.fill(1, create_spare) == 0;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void prepared() noexcept {
  g_registries.load()->reserve.clear();
}

void release_spare_threads() noexcept {
  g_registries.load()->stock.empty();
}

bool forked_with_clients() {
  return g_registries.load()->clients.forked_with_clients();
}

void client_made() {
  g_registries.load()->clients.made();
}

void client_freed() {
  g_registries.load()->clients.freed();
}

int clients() {
  return g_registries.load()->clients.count();
}

int live_threads() {
  ThreadRegistry& threads = g_registries.load()->threads;
  // Read first: a thread that starts between the two is counted twice, not left out.
  const int starting = threads.starting_count();
  return starting + static_cast<int>(threads.live().size());
}

std::string live_thread_names() {
  std::string names;
  for (const pid_t tid : g_registries.load()->threads.live()) {
    names += names.empty() ? "" : ", ";
    const std::string name = thread_name(tid);
    names +=
        name == "proc-resolver" ? name + " (the system's resolver has not come back with a name's addresses)" : name;
  }
  return names;
}

void thread_left() noexcept {
  g_registries.load()->left_threads.fetch_add(1);
}

void left_thread_ends() noexcept {
  g_registries.load()->left_threads.fetch_sub(1);
}

int threads_to_wait_for() {
  return live_threads() - g_registries.load()->left_threads.load();
}

ConnectionsEnd::ConnectionsEnd() noexcept {
  t_connects_no_more = true;
  g_registries.load()->connections_ends.fetch_add(1);
}

ConnectionsEnd::~ConnectionsEnd() {
  t_connects_no_more = false;
  g_registries.load()->connections_ends.fetch_sub(1);
}

void ConnectionsEnd::break_off() noexcept {
  g_registries.load()->sockets.break_off(pthread_self(), all_connections_end(*g_registries.load()));
}

}  // namespace agones::plugin::library_state

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {

int __real_epoll_create1(int flags);

int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  return agones::plugin::library_state::open_registered([&] { return __real_epoll_create1(flags); });
}

int __wrap_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags) {
  return agones::plugin::library_state::open_registered([&] { return __real_eventfd(count, flags); });
}

int __wrap_close(int fd);
int __wrap_close(int fd) {
  agones::plugin::library_state::forget_fd(fd);
  return __real_close(fd);
}

int __wrap_connect(int fd, const sockaddr* address, socklen_t size);
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  using namespace agones::plugin::library_state;
  if (auto* registries = g_registries.load()) {
    if (t_connects_no_more || (registries->connections_ends.load() > 0 && all_connections_end(*registries))) {
      errno = ECONNABORTED;
      return -1;
    }
    registries->sockets.connecting(fd);
  }
  return __real_connect(fd, address, size);
}

int __wrap_pthread_key_create(pthread_key_t* key, void (*destructor)(void*));
int __wrap_pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  const int error = __real_pthread_key_create(key, destructor);
  if (auto* registries = agones::plugin::library_state::g_registries.load(); error == 0 && registries != nullptr) {
    registries->keys.created(*key);
  }
  return error;
}

int __wrap_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_key_delete(pthread_key_t key) {
  if (auto* registries = agones::plugin::library_state::g_registries.load()) {
    registries->keys.deleting(key);
    return __real_pthread_key_delete(key);
  }
  return 0;  // it went with the registries; the number may be another library's by now
}

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  using namespace agones::plugin::library_state;
  if (g_registries.load()->stock.give(thread, body, argument)) {
    int detached = PTHREAD_CREATE_JOINABLE;
    if (attributes != nullptr) {
      pthread_attr_getdetachstate(attributes, &detached);
    }
    if (detached == PTHREAD_CREATE_DETACHED) {
      pthread_detach(*thread);
    }
    return 0;
  }
  return create_registered(thread, attributes, body, argument);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
