// SPDX-License-Identifier: Apache-2.0
#include "orders/explorer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

namespace agones::orders {

namespace {

constexpr std::size_t kStackSize = 256U << 10;
constexpr std::size_t kMostSteps = 10'000;

bool acquires(Order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

bool releases(Order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

const char* name_of(Order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    default:
      return "seq_cst";
  }
}

std::string without_folder(const char* file) {
  const char* slash = std::strrchr(file, '/');
  return slash != nullptr ? slash + 1 : file;
}

}  // namespace

void Clock::join(const Clock& other) {
  for (std::size_t i = 0; i < at_.size(); ++i) {
    at_[i] = std::max(at_[i], other.at_[i]);
  }
}

Execution::~Execution() {
  while (!objects_.empty()) {
    objects_.pop_back();
  }
}

// Runs a program again and again, each time with other answers to what is open: which thread goes on, which store is read.
// Executions that differ in the order of independent steps alone are not run twice (sleep sets).
class Explorer {
 public:
  explicit Explorer(const std::optional<Weakened>& weakened) : weakened_(weakened) {}
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;
  ~Explorer() { forget_memory(); }

  static Explorer& current() { return *g_current; }

  Outcome explore(const Program& program) {
    Explorer* const before = std::exchange(g_current, this);
    do {
      run_once(program);
    } while (outcome_.problem.empty() && next_path());
    g_current = before;
    return std::move(outcome_);
  }

  // ---- What the code under test calls, on the thread that runs.

  std::size_t thread() const { return running_; }
  Clock& clock() { return clocks_[running_]; }
  std::uint32_t tick() { return clock().tick(running_); }
  std::pair<std::size_t, std::size_t> next_name() { return {running_, ++named_[running_]}; }

  // Before a step: others may come first.
  void step(const Location& location, bool writes, Order order, const Mutex* mutex = nullptr) {
    if (running_ == 0 || !is_shared(location)) {
      return;
    }
    Thread& self = threads_[running_ - 1];
    self.next = {&location, writes, order == std::memory_order_seq_cst, mutex};
    swapcontext(&self.context, &scheduler_);
  }

  // One of so many.
  std::size_t choose(std::size_t count) {
    if (count <= 1 || coasting_ || running_ == 0) {
      return 0;
    }
    return chosen(count);
  }

  Order order_at(const Site& site, const char* operation, Order written) {
    if (std::strstr(site.file, "/neighbours/") != nullptr || running_ == 0) {
      return written;
    }
    const auto [known, is_new] = orders_.emplace(std::tuple(site.file, site.line, operation), written);
    if (is_new) {
      const Use use{without_folder(site.file), site.line, site.function, operation, written};
      outcome_.uses.insert(use);
      if (weakened_ && !(use < weakened_->use) && !(weakened_->use < use)) {
        known->second = weakened_->order;
      }
    }
    return known->second;
  }

  void trace(const char* operation, const Site& site, Order order, std::size_t store, std::size_t newest) {
    trace_.push_back({running_, operation, site, order, newest - store});
  }

  void fail(const std::string& what) {
    if (!outcome_.problem.empty()) {
      return;
    }
    outcome_.problem = what;
    for (const Traced& step : trace_) {
      outcome_.problem += "\n  thread " + std::to_string(step.thread) + ": " + without_folder(step.site.file) + ":" +
                          std::to_string(step.site.line) + " " + step.site.function + " " + step.operation + " (" +
                          name_of(step.order) + ")" +
                          (step.stale != 0 ? " finds what is " + std::to_string(step.stale) + " stores old" : "");
    }
    coasting_ = true;
  }

  void* allocate(std::size_t size) {
    memory_.push_back(std::malloc(size));
    return memory_.back();
  }

 private:
  struct Next {
    const Location* location = nullptr;
    bool writes = false;
    bool in_total_order = false;
    const Mutex* mutex = nullptr;
  };
  struct Thread {
    std::function<void()> body;
    ucontext_t context{};
    Next next;
    bool ended = false;
  };
  struct Choice {
    std::size_t taken;
    std::size_t count;
  };
  struct Traced {
    std::size_t thread;
    const char* operation;
    Site site;
    Order order;
    std::size_t stale;
  };

  std::size_t chosen(std::size_t count) {
    if (depth_ == path_.size()) {
      path_.push_back({0, count});
    }
    if (path_[depth_].count != count) {
      throw std::logic_error("the program does not do the same twice");
    }
    return path_[depth_++].taken;
  }

  bool next_path() {
    if (std::exchange(more_shared_, false)) {
      path_.clear();
      outcome_.executions = 0;
      return true;
    }
    while (!path_.empty() && path_.back().taken + 1 == path_.back().count) {
      path_.pop_back();
    }
    if (path_.empty()) {
      return false;
    }
    ++path_.back().taken;
    return true;
  }

  // Steps at what one thread alone has to do with are none. Which ones these are shows in the runs: where another thread comes to
  // it, everything is run anew.
  bool is_shared(const Location& location) {
    if (shared_.count(location.name_) != 0) {
      return true;
    }
    const std::size_t user = users_.emplace(location.name_, running_).first->second;
    if (user != running_) {
      shared_.insert(location.name_);
      more_shared_ = true;
    }
    return false;
  }

  void run_once(const Program& program) {
    depth_ = 0;
    coasting_ = false;
    clocks_ = {};
    named_ = {};
    trace_.clear();
    users_.clear();
    running_ = 0;
    {
      Execution run;
      program(run);
      start(run);
      schedule();
      for (std::size_t i = 0; i < threads_.size(); ++i) {
        clocks_[0].join(clocks_[i + 1]);
      }
      if (run.at_end_ && outcome_.problem.empty()) {
        run.at_end_();
      }
      threads_.clear();
    }
    forget_memory();
  }

  void start(Execution& run) {
    if (run.threads_.size() >= kMostThreads) {
      throw std::logic_error("too many threads");
    }
    threads_.resize(run.threads_.size());
    while (stacks_.size() < threads_.size()) {
      stacks_.push_back(std::make_unique<char[]>(kStackSize));
    }
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      threads_[i].body = std::move(run.threads_[i]);
      clocks_[i + 1] = clocks_[0];
      getcontext(&threads_[i].context);
      threads_[i].context.uc_stack.ss_sp = stacks_[i].get();
      threads_[i].context.uc_stack.ss_size = kStackSize;
      threads_[i].context.uc_link = &scheduler_;
      makecontext(&threads_[i].context, &Explorer::thread_main, 0);
    }
    clocks_[0].tick(0);
  }

  static void thread_main() {
    Explorer& self = current();
    Thread& thread = self.threads_[self.running_ - 1];
    thread.body();
    thread.ended = true;
  }

  void go_on(std::size_t thread) {
    running_ = thread + 1;
    swapcontext(&scheduler_, &threads_[thread].context);
    running_ = 0;
  }

  static bool independent(const Next& a, const Next& b) {
    return a.location != b.location || (!a.writes && !b.writes && !(a.in_total_order && b.in_total_order));
  }

  void schedule() {
    // Up to their first steps.
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      go_on(i);
    }
    std::vector<bool> asleep(threads_.size(), false);
    for (std::size_t steps = 0;; ++steps) {
      std::vector<std::size_t> enabled;
      std::vector<std::size_t> awake;
      for (std::size_t i = 0; i < threads_.size(); ++i) {
        const Thread& thread = threads_[i];
        if (!thread.ended && (thread.next.mutex == nullptr || !thread.next.mutex->locked_)) {
          enabled.push_back(i);
          if (!asleep[i]) {
            awake.push_back(i);
          }
        }
      }
      if (enabled.empty()) {
        if (!std::all_of(threads_.begin(), threads_.end(), [](const Thread& thread) { return thread.ended; })) {
          fail("deadlock");
        }
        break;
      }
      if (steps > kMostSteps) {
        fail("does not end");
        break;
      }
      if (awake.empty()) {
        // Execution before, in another order of independent steps: on to the end, so that everything is cleaned up.
        coasting_ = true;
        seen_before_ = true;
      }
      const std::size_t choice = awake.size() > 1 && !coasting_ ? chosen(awake.size()) : 0;
      const std::size_t next = awake.empty() ? enabled.front() : awake[choice];
      for (std::size_t i = 0; i < choice; ++i) {
        asleep[awake[i]] = true;
      }
      for (std::size_t i = 0; i < threads_.size(); ++i) {
        asleep[i] = asleep[i] && independent(threads_[i].next, threads_[next].next);
      }
      go_on(next);
    }
    outcome_.executions += std::exchange(seen_before_, false) ? 0 : 1;
  }

  void forget_memory() {
    for (void* memory : memory_) {
      std::free(memory);
    }
    memory_.clear();
  }

  static Explorer* g_current;

  const std::optional<Weakened> weakened_;
  Outcome outcome_;
  std::map<std::tuple<const char*, unsigned, const char*>, Order> orders_;  // of every operation, as it is run

  std::vector<Choice> path_;
  std::size_t depth_ = 0;
  bool coasting_ = false;  // nothing is chosen any more
  bool seen_before_ = false;
  std::set<std::pair<std::size_t, std::size_t>> shared_;
  bool more_shared_ = false;

  // Of this execution.
  std::size_t running_ = 0;
  std::array<Clock, kMostThreads> clocks_{};
  std::array<std::size_t, kMostThreads> named_{};
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> users_;
  std::vector<Thread> threads_;
  std::vector<std::unique_ptr<char[]>> stacks_;
  ucontext_t scheduler_{};
  std::vector<Traced> trace_;
  std::vector<void*> memory_;
};

Explorer* Explorer::g_current = nullptr;

Outcome explore(const Program& program, const std::optional<Weakened>& weakened) {
  return Explorer(weakened).explore(program);
}

void check(bool holds, const char* what) {
  if (!holds) {
    Explorer::current().fail(what);
  }
}

std::size_t current_thread() {
  return Explorer::current().thread();
}

void* Kept::operator new(std::size_t size) {
  return Explorer::current().allocate(size);
}

void Kept::operator delete(void* /*memory*/) noexcept {}

// ---- Atomics ------------------------------------------------------------------------------------------

Location::Location() : name_(Explorer::current().next_name()), stores_(1), order_{0} {
  Explorer& explorer = Explorer::current();
  accesses_[explorer.thread()].push_back({explorer.tick(), 0});
}

std::size_t Location::place_of(std::size_t store) const {
  return static_cast<std::size_t>(std::find(order_.begin(), order_.end(), store) - order_.begin());
}

std::size_t Location::oldest_seen(const Clock& clock, Order order) const {
  std::size_t place = order == std::memory_order_seq_cst ? place_of(seen_in_total_order_) : 0;
  for (std::size_t thread = 0; thread < kMostThreads; ++thread) {
    for (const Access& access : accesses_[thread]) {
      if (clock.saw(thread, access.tick)) {
        place = std::max(place, place_of(access.store));
      }
    }
  }
  return place;
}

void Location::note(std::size_t store, std::uint32_t tick, Order order) const {
  accesses_[Explorer::current().thread()].push_back({tick, store});
  if (order == std::memory_order_seq_cst && place_of(store) > place_of(seen_in_total_order_)) {
    seen_in_total_order_ = store;
  }
}

std::size_t Location::load(Order order, const Site& site) const {
  Explorer& explorer = Explorer::current();
  order = explorer.order_at(site, "load", order);
  explorer.step(*this, false, order);
  const std::uint32_t tick = explorer.tick();
  const std::size_t oldest = oldest_seen(explorer.clock(), order);
  // The newest first.
  const std::size_t stale = explorer.choose(order_.size() - oldest);
  const std::size_t read = order_[order_.size() - 1 - stale];
  note(read, tick, order);
  if (acquires(order)) {
    explorer.clock().join(stores_[read].released);
  }
  explorer.trace("load", site, order, order_.size() - 1 - stale, order_.size() - 1);
  return read;
}

void Location::store(Order order, const Site& site) {
  Explorer& explorer = Explorer::current();
  order = explorer.order_at(site, "store", order);
  explorer.step(*this, true, order);
  const std::uint32_t tick = explorer.tick();
  std::vector<std::size_t> places;
  for (std::size_t place = order_.size(); place > oldest_seen(explorer.clock(), order); --place) {
    // Not between a read-modify-write and what it read.
    if (place == order_.size() || !stores_[order_[place]].follows) {
      places.push_back(place);
    }
  }
  const std::size_t place = places[explorer.choose(places.size())];
  const std::size_t number = stores_.size();
  stores_.emplace_back();
  if (releases(order)) {
    stores_.back().released = explorer.clock();
  }
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), number);
  note(number, tick, order);
  explorer.trace("store", site, order, place, order_.size() - 1);
}

Location::Accessed Location::change(const char* operation, Order order, Order without,
                                    const std::function<bool(std::size_t)>& writes, const Site& site) {
  Explorer& explorer = Explorer::current();
  order = explorer.order_at(site, operation, order);
  const bool in_total_order = order == std::memory_order_seq_cst || without == std::memory_order_seq_cst;
  explorer.step(*this, true, in_total_order ? std::memory_order_seq_cst : order);
  const std::uint32_t tick = explorer.tick();
  const std::size_t oldest = oldest_seen(explorer.clock(), order);
  const std::size_t oldest_without = oldest_seen(explorer.clock(), without);
  std::vector<std::size_t> readable;
  for (std::size_t place = order_.size(); place-- > std::min(oldest, oldest_without);) {
    const std::size_t number = order_[place];
    if (writes(number) ? !stores_[number].followed && place >= oldest : place >= oldest_without) {
      readable.push_back(place);
    }
  }
  const std::size_t place = readable[explorer.choose(readable.size())];
  const std::size_t read = order_[place];
  const bool wrote = writes(read);
  if (acquires(wrote ? order : without)) {
    explorer.clock().join(stores_[read].released);
  }
  explorer.trace(operation, site, wrote ? order : without, place, order_.size() - 1);
  if (!wrote) {
    note(read, tick, without);
    return {read, false};
  }
  const std::size_t number = stores_.size();
  Store added;
  added.follows = true;
  added.released = stores_[read].released;
  if (releases(order)) {
    added.released.join(explorer.clock());
  }
  stores_[read].followed = true;
  stores_.push_back(added);
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place) + 1, number);
  note(number, tick, order);
  return {read, true};
}

void Mutex::lock() {
  Explorer& explorer = Explorer::current();
  explorer.step(*this, true, std::memory_order_acq_rel, this);
  locked_ = true;
  explorer.clock().join(released_);
}

// No step of its own: nothing that others do before it could not as well be done after it.
void Mutex::unlock() {
  Explorer& explorer = Explorer::current();
  released_ = explorer.clock();
  explorer.tick();
  locked_ = false;
}

// ---- Variables ----------------------------------------------------------------------------------------

void Watched::will_read() const {
  Explorer& explorer = Explorer::current();
  const std::uint32_t tick = explorer.tick();
  if (written_ && !explorer.clock().saw(written_->thread, written_->tick)) {
    explorer.fail("data race: read while it is written");
  }
  read_[explorer.thread()] = tick;
}

void Watched::will_write() {
  Explorer& explorer = Explorer::current();
  const std::uint32_t tick = explorer.tick();
  if (written_ && !explorer.clock().saw(written_->thread, written_->tick)) {
    explorer.fail("data race: written twice at once");
  }
  for (std::size_t thread = 0; thread < kMostThreads; ++thread) {
    if (!explorer.clock().saw(thread, read_[thread])) {
      explorer.fail("data race: written while it is read");
    }
  }
  written_ = {explorer.thread(), tick};
}

// ---- What each order is good for ----------------------------------------------------------------------

namespace {

// The weakest first.
std::vector<Order> weaker_orders(const Use& use) {
  switch (use.order) {
    case std::memory_order_relaxed:
      return {};
    case std::memory_order_acquire:
    case std::memory_order_release:
      return {std::memory_order_relaxed};
    default:
      break;
  }
  std::vector<Order> weaker{std::memory_order_relaxed};
  if (use.operation != "store") {
    weaker.push_back(std::memory_order_acquire);
  }
  if (use.operation != "load") {
    weaker.push_back(std::memory_order_release);
  }
  if (use.operation != "load" && use.operation != "store" && use.order == std::memory_order_seq_cst) {
    weaker.push_back(std::memory_order_acq_rel);
  }
  return weaker;
}

}  // namespace

std::string weakest_orders(const std::vector<Program>& programs) {
  std::map<Use, std::vector<const Program*>> used;
  for (const Program& program : programs) {
    for (const Use& use : explore(program).uses) {
      used[use].push_back(&program);
    }
  }
  std::set<std::string> found;
  std::map<std::string, int> seen;
  for (const auto& entry : used) {
    const Use& use = entry.first;
    const std::vector<const Program*>& users = entry.second;
    Order weakest = use.order;
    for (const Order order : weaker_orders(use)) {
      const Weakened weakened{use, order};
      if (std::all_of(users.begin(), users.end(),
                      [&](const Program* program) { return explore(*program, weakened).problem.empty(); })) {
        weakest = order;
        break;
      }
    }
    std::string name = use.file.substr(0, use.file.find('.')) + " " + use.function + " " + use.operation;
    const int count = ++seen[name];
    name += count == 1 ? "" : " " + std::to_string(count);
    found.insert(name + ": " + name_of(use.order) +
                 (weakest == use.order ? "" : std::string(", ") + name_of(weakest) + " would do"));
  }
  std::string lines = "\n";
  for (const std::string& line : found) {
    lines += line + "\n";
  }
  return lines;
}

}  // namespace agones::orders
