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
  not_accepted_.fetch_add(1, std::memory_order_relaxed);
  try {
    by_number_.emplace(number, Known{id, waited_us});
  } catch (...) {
    by_id_.erase(added);
    throw;
  }
  added->second = number;
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
  const std::uint64_t others = not_accepted_.load();
  return last_.load() - others;
}

}  // namespace agones::plugin
