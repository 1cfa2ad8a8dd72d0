// SPDX-License-Identifier: Apache-2.0
// Runs a small program of threads in every way that the C++ memory model lets it run, also where this machine's processor
// never would: the code under test is compiled with these atomics, mutexes and checked variables in place of std's (shadow.h).
//
// The model, where it is simpler than the standard's:
//   * A step is one operation on an atomic or the locking of a mutex; steps of threads interleave in every order. What lies
//     between two steps of a thread happens with the first one.
//   * Each atomic has its stores in one order, its modification order. A load may read any store that nothing which happens
//     before it hides: neither a newer store nor a load of a newer one (the four rules of coherence). A store takes any place
//     in the order that these rules leave, a read-modify-write the one after what it read.
//   * Release and acquire (and what continues a release sequence) make one thing happen before another; consume and fences are not
//     there, nor do weak exchanges fail without a reason.
//   * The one order of all seq_cst operations is that in which they run; such an access to an atomic finds it no older than the
//     one before in that order did (C++20's rule, per atomic).
//   * A load reads nothing that is stored later in the run: "load buffering", which the standard allows for relaxed operations, is
//     not shown.
//   * Two accesses to a Plain, one of them a write, neither before the other, are a data race. Its end counts as a write.
#pragma once

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace agones::orders {

using Order = std::memory_order;

// The first one sets up, and looks at what came of it.
inline constexpr std::size_t kMostThreads = 5;

// Where in the code an operation stands.
struct Site {
  const char* file;
  const char* function;
  unsigned line;

  static constexpr Site here(const char* file = __builtin_FILE(), const char* function = __builtin_FUNCTION(),
                             unsigned line = __builtin_LINE()) {
    return {file, function, line};
  }
};

// An operation of the code under test, and the order that it has there.
struct Use {
  std::string file;  // without its folder
  unsigned line = 0;
  std::string function;
  std::string operation;
  Order order = std::memory_order_seq_cst;

  bool operator<(const Use& other) const {
    return std::tie(file, line, function, operation) <
           std::tie(other.file, other.line, other.function, other.operation);
  }
};

// One operation is run with another order than it has.
struct Weakened {
  Use use;
  Order order;
};

// What a thread knows to have happened: how far each thread had come.
class Clock {
 public:
  std::uint32_t tick(std::size_t thread) { return ++at_[thread]; }
  bool saw(std::size_t thread, std::uint32_t tick) const { return at_[thread] >= tick; }
  void join(const Clock& other);

 private:
  std::array<std::uint32_t, kMostThreads> at_{};
};

class Location;

class Execution;
using Program = std::function<void(Execution&)>;

struct Outcome {
  std::string problem;  // empty: there is none, in any execution
  std::uint64_t executions = 0;
  std::set<Use> uses;
};

// In every execution, or until one has a problem.
Outcome explore(const Program& program, const std::optional<Weakened>& weakened = std::nullopt);

// In the code of a program: what must be true in every execution.
void check(bool holds, const char* what);

// Which of the program's threads runs; 0: the one that sets up.
std::size_t current_thread();

// One execution.
class Execution {
 public:
  Execution() = default;
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // Lives until the execution is over.
  template <typename T, typename... Arguments>
  T& make(Arguments&&... arguments) {
    auto made = std::make_shared<T>(std::forward<Arguments>(arguments)...);
    T& it = *made;
    objects_.push_back(std::move(made));
    return it;
  }
  void thread(std::function<void()> body) { threads_.push_back(std::move(body)); }
  // Once all threads have ended.
  void at_end(std::function<void()> body) { at_end_ = std::move(body); }

 private:
  friend class Explorer;
  std::vector<std::shared_ptr<void>> objects_;
  std::vector<std::function<void()>> threads_;
  std::function<void()> at_end_;
};

// What may be looked at after it was deleted: that is for the model to say, not for the allocator.
class Kept {
 public:
  static void* operator new(std::size_t size);
  static void operator delete(void* memory) noexcept;
};

// The stores of an atomic, by number; their values are the derived class's.
class Location {
 public:
  Location(const Location&) = delete;
  Location& operator=(const Location&) = delete;

 protected:
  struct Accessed {
    std::size_t read = 0;
    bool wrote = false;  // then the newest number is its store
  };

  Location();
  ~Location() = default;

  std::size_t load(Order order, const Site& site) const;
  void store(Order order, const Site& site);
  // Reads, and writes if `writes` says so of the store that is read.
  Accessed change(const char* operation, Order order, Order without, const std::function<bool(std::size_t)>& writes,
                  const Site& site);

 private:
  friend class Explorer;

  struct Store {
    Clock released;         // what is known to who acquires it
    bool followed = false;  // by a read-modify-write that read it
    bool follows = false;
  };
  struct Access {
    std::uint32_t tick;
    std::size_t store;
  };

  std::size_t place_of(std::size_t store) const;
  // The first place in the modification order that may still be seen.
  std::size_t oldest_seen(const Clock& clock, Order order) const;
  void note(std::size_t store, std::uint32_t tick, Order order) const;

  std::pair<std::size_t, std::size_t> name_;  // who made it, as the how-manieth
  std::vector<Store> stores_;
  std::vector<std::size_t> order_;  // numbers of stores, in modification order
  mutable std::array<std::vector<Access>, kMostThreads> accesses_;
  mutable std::size_t seen_in_total_order_ = 0;
};

template <typename T>
class Atomic : private Location {
 public:
  Atomic(T value = T()) : values_{value} {}  // NOLINT(google-explicit-constructor): as std's

  T load(Order order = std::memory_order_seq_cst, Site site = Site::here()) const {
    return values_[Location::load(order, site)];
  }
  void store(T value, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    Location::store(order, site);
    values_.push_back(value);
  }
  T exchange(T value, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    return always(
        "exchange", [&](T) { return value; }, order, site);
  }
  T fetch_add(T by, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    return always(
        "fetch_add", [&](T before) { return static_cast<T>(before + by); }, order, site);
  }
  T fetch_sub(T by, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    return always(
        "fetch_sub", [&](T before) { return static_cast<T>(before - by); }, order, site);
  }
  T fetch_or(T with, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    return always(
        "fetch_or", [&](T before) { return static_cast<T>(before | with); }, order, site);
  }
  bool compare_exchange_weak(T& expected, T value, Order order, Order failed, Site site = Site::here()) {
    const Accessed done = change(
        "compare_exchange", order, failed, [&](std::size_t store) { return values_[store] == expected; }, site);
    if (done.wrote) {
      values_.push_back(value);
    } else {
      expected = values_[done.read];
    }
    return done.wrote;
  }
  bool compare_exchange_weak(T& expected, T value, Order order = std::memory_order_seq_cst, Site site = Site::here()) {
    return compare_exchange_weak(expected, value, order, std::memory_order_seq_cst, site);
  }

 private:
  template <typename Next>
  T always(const char* operation, const Next& next, Order order, const Site& site) {
    const T before = values_[change(
                                 operation, order, order, [](std::size_t) { return true; }, site)
                                 .read];
    values_.push_back(next(before));
    return before;
  }

  std::vector<T> values_;
};

class Mutex : private Location {
 public:
  void lock();
  void unlock();

 private:
  friend class Explorer;
  bool locked_ = false;
  Clock released_;
};

// A variable that is no atomic.
class Watched {
 protected:
  void will_read() const;
  void will_write();

 private:
  struct Write {
    std::size_t thread;
    std::uint32_t tick;
  };
  std::optional<Write> written_;
  mutable std::array<std::uint32_t, kMostThreads> read_{};
};

template <typename T>
class Plain : private Watched {
 public:
  Plain(T value = T()) : value_(value) { will_write(); }  // NOLINT(google-explicit-constructor): as the variable
  ~Plain() { will_write(); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  Plain& operator=(T value) {
    will_write();
    value_ = value;
    return *this;
  }
  operator T() const {  // NOLINT(google-explicit-constructor)
    will_read();
    return value_;
  }
  T operator->() const { return *this; }
  // Who has its address may write.
  T* operator&() {  // NOLINT(google-runtime-operator)
    will_write();
    return &value_;
  }

 private:
  T value_;
};

// std::unique_ptr, its pointer a checked variable.
template <typename T>
class Owner {
 public:
  using element_type = T;

  Owner() = default;
  Owner(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as std's
  explicit Owner(T* owned) : owned_(owned) {}
  Owner(Owner&& other) noexcept : owned_(other.release()) {}
  Owner& operator=(Owner&& other) noexcept {
    T* before = owned_;
    owned_ = other.release();
    delete before;
    return *this;
  }
  ~Owner() { delete static_cast<T*>(owned_); }

  T* get() const { return owned_; }
  T& operator*() const { return *get(); }
  T* operator->() const { return get(); }
  T* release() {
    T* owned = owned_;
    owned_ = nullptr;
    return owned;
  }
  explicit operator bool() const { return get() != nullptr; }

 private:
  Plain<T*> owned_{nullptr};
};

// For every operation of the code under test that the programs run, a line: its order, and the weakest one, it alone being weakened,
// with which all of them have no problem. Sorted; a second one in the same function has " 2" behind its name.
std::string weakest_orders(const std::vector<Program>& programs);

}  // namespace agones::orders
