// SPDX-License-Identifier: Apache-2.0
// Who may still submit: the exact pending limit and the end of accepting, in one atomic word.
// All of it is in the word, whose changes have one order: who seals it and then reads it finds everybody who came in, whatever the
// memory orders are. Nothing else is published through it, so relaxed would do everywhere; the acq_rel of the changes is for who
// adds something that is.
#pragma once

#include <atomic>
#include <cstdint>

namespace agones::plugin {

class Admission {
 public:
  enum class Answer : std::uint8_t { kAdmitted, kFull, kClosed };

  explicit Admission(std::uint64_t limit) : limit_(limit) {}

  Answer admit() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      const Answer answer = judge(word);
      if (answer != Answer::kAdmitted) {
        return answer;
      }
    } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
    return Answer::kAdmitted;
  }

  // For what another client had admitted: the limit does not matter, nor that it is closed. False if it is sealed.
  bool admit_moved() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & kSealed) != 0) {
        return false;
      }
    } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
    return true;
  }

  // What admit() would say now, without admitting.
  Answer look() const { return judge(word_.load(std::memory_order_relaxed)); }

  void release() { word_.fetch_sub(1, std::memory_order_acq_rel); }
  void close() { word_.fetch_or(kClosed, std::memory_order_acq_rel); }
  // From now on really nothing comes in.
  void seal() { word_.fetch_or(kClosed | kSealed, std::memory_order_acq_rel); }
  bool sealed() const { return (word_.load(std::memory_order_acquire) & kSealed) != 0; }
  std::uint64_t pending() const { return word_.load(std::memory_order_acquire) & ~(kClosed | kSealed); }

 private:
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kSealed = std::uint64_t{1} << 62;

  Answer judge(std::uint64_t word) const {
    if ((word & kClosed) != 0) {
      return Answer::kClosed;
    }
    return word >= limit_ ? Answer::kFull : Answer::kAdmitted;
  }

  const std::uint64_t limit_;
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace agones::plugin
