// SPDX-License-Identifier: Apache-2.0
// What proc_get_stats shows. Each Counter has one writer at a time; any thread reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace agones::plugin {

class Counter {
 public:
  void add(std::uint64_t n = 1) { set(get() + n); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// For what several threads count.
class SharedCounter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counters {
  Counter unsent;
  Counter in_flight;
  Counter late_answers;
  Counter open_streams;
  Counter window;
  Counter allocated;
  Counter rejected;
  Counter timed_out;
  Counter cancelled;
  Counter disconnected;
  Counter shut_down;
  Counter handed_over;
  Counter orphans;
  Counter resent;
  Counter streams;
  Counter pulls;
  Counter batches_sent;
  Counter batches_answered;
  Counter duplicate_answers;
  Counter unknown_answers;
  Counter malformed_messages;
  SharedCounter log_lines_dropped;
  Counter orphans_dropped;
  Counter late_answers_forgotten;
  Counter states_merged;
  Counter unknown;
  Counter log_lines_suppressed;
};

}  // namespace agones::plugin
