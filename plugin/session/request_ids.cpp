// SPDX-License-Identifier: Apache-2.0
#include "session/request_ids.h"

namespace agones::plugin {

std::optional<std::uint64_t> RequestIds::take_over(std::uint64_t id, std::uint64_t waited_us) {
  if (id == 0 || id > before_first_) {
    return std::nullopt;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [added, is_new] = by_id_.emplace(id, 0);
  if (!is_new) {
    return std::nullopt;
  }
  const std::uint64_t number = next();
  // release: who finds it counted here finds the number given out, see accepted().
  not_accepted_.fetch_add(1, std::memory_order_release);
  try {
    by_number_.emplace(number, Known{id, waited_us});
  } catch (...) {
    by_id_.erase(added);
    throw;
  }
  added->second = number;
  // relaxed: who asks about this request was handed it, or its id, and so comes after this.
  taken_over_.fetch_add(1, std::memory_order_relaxed);
  return number;
}

RequestIds::Known RequestIds::known(std::uint64_t number) const {
  if (number == 0) {
    return {};
  }
  if (taken_over() != 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = by_number_.find(number); found != by_number_.end()) {
      return found->second;
    }
  }
  return {before_first_ + number, 0};
}

std::optional<std::uint64_t> RequestIds::number_of(std::uint64_t id) const {
  if (id > before_first_) {
    const std::uint64_t number = id - before_first_;
    // Who was given the id comes after its number was.
    return number <= last_.load() && known(number).id == id ? std::optional(number) : std::nullopt;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_id_.find(id);
  return found != by_id_.end() ? std::optional(found->second) : std::nullopt;
}

void RequestIds::ended(std::uint64_t number) {
  if (taken_over() == 0 || may_come_again_) {
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto found = by_number_.find(number); found != by_number_.end()) {
    by_id_.erase(found->second.id);
    by_number_.erase(found);
  }
}

std::uint64_t RequestIds::accepted() const {
  // acquire, and read first: never more than there are numbers.
  const std::uint64_t others = not_accepted_.load(std::memory_order_acquire);
  return last_.load(std::memory_order_relaxed) - others;
}

}  // namespace agones::plugin
