// SPDX-License-Identifier: Apache-2.0
#include "engine/deadline_wheel.h"

#include <algorithm>

namespace agones::plugin {

namespace {

// The first occupied slot at or after `from`, or `slots` if there is none.
template <std::size_t N>
std::uint64_t first_occupied(const std::array<std::uint64_t, N>& occupied, std::uint64_t from) {
  for (std::uint64_t word = from / 64; word < N; ++word) {
    std::uint64_t bits = occupied[word];
    if (word == from / 64) {
      bits &= ~std::uint64_t{0} << (from % 64);
    }
    if (bits != 0) {
      return word * 64 + static_cast<std::uint64_t>(__builtin_ctzll(bits));
    }
  }
  return N * 64;
}

}  // namespace

std::uint64_t DeadlineWheel::tick_of(TimePoint time) const {
  // Rounded up: a request never ends before its deadline.
  const auto since = std::chrono::ceil<milliseconds>(time - start_).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

void DeadlineWheel::link(Request& request, int level, std::uint64_t slot) {
  Level& wheel = levels_[static_cast<std::size_t>(level)];
  Request*& head = wheel.heads[slot];
  request.wheel_prev = nullptr;
  request.wheel_next = head;
  if (head != nullptr) {
    head->wheel_prev = &request;
  }
  head = &request;
  wheel.occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
  request.wheel_slot = static_cast<std::uint16_t>((static_cast<std::uint64_t>(level) << kBits) | slot);
}

void DeadlineWheel::add(Request& request) {
  // A deadline that has passed goes into the next tick: expire() has already emptied the present one.
  const std::uint64_t tick = std::max(tick_of(request.deadline), now_tick_ + 1);
  const std::uint64_t differing = tick ^ now_tick_;
  int level = 0;
  while (level < kLevels - 1 && (differing >> (kBits * (level + 1))) != 0) {
    ++level;
  }
  link(request, level, (tick >> (kBits * level)) % kSlots);
  ++size_;
}

void DeadlineWheel::remove(Request& request) {
  if (request.wheel_slot == Request::kNoWheelSlot) {
    return;
  }
  Level& wheel = levels_[request.wheel_slot >> kBits];
  const std::uint64_t slot = request.wheel_slot % kSlots;
  if (request.wheel_prev != nullptr) {
    request.wheel_prev->wheel_next = request.wheel_next;
  } else {
    wheel.heads[slot] = request.wheel_next;
    if (request.wheel_next == nullptr) {
      wheel.occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    }
  }
  if (request.wheel_next != nullptr) {
    request.wheel_next->wheel_prev = request.wheel_prev;
  }
  request.wheel_prev = request.wheel_next = nullptr;
  request.wheel_slot = Request::kNoWheelSlot;
  --size_;
}

Request* DeadlineWheel::unlink_all(int level, std::uint64_t slot) {
  Level& wheel = levels_[static_cast<std::size_t>(level)];
  Request* head = wheel.heads[slot];
  wheel.heads[slot] = nullptr;
  wheel.occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  return head;
}

void DeadlineWheel::cascade(int level) {
  Request* request = unlink_all(level, (now_tick_ >> (kBits * level)) % kSlots);
  while (request != nullptr) {
    Request* following = request->wheel_next;
    // Placed as seen from the tick before, so that a deadline of this very tick lands in its slot.
    const std::uint64_t tick = std::max(tick_of(request->deadline), now_tick_);
    const std::uint64_t differing = tick ^ now_tick_;
    int lower = 0;
    while (lower < level && (differing >> (kBits * (lower + 1))) != 0) {
      ++lower;
    }
    link(*request, lower, (tick >> (kBits * lower)) % kSlots);
    request = following;
  }
}

Request* DeadlineWheel::expire(TimePoint now) {
  Request* first = nullptr;
  Request** end = &first;
  const auto since = std::chrono::floor<milliseconds>(now - start_).count();
  const std::uint64_t target = since < 0 ? 0 : static_cast<std::uint64_t>(since);
  while (now_tick_ < target) {
    if (size_ == 0) {
      now_tick_ = target;
      break;
    }
    // Straight to the next occupied slot of the lowest level, or to where that level wraps around.
    const std::uint64_t here = now_tick_ % kSlots;
    const std::uint64_t slot = first_occupied(levels_[0].occupied, here + 1);
    const std::uint64_t next = std::min(now_tick_ - here + slot, target);
    now_tick_ = next;
    if (now_tick_ % kSlots == 0) {
      for (int level = kLevels - 1; level > 0; --level) {
        if (now_tick_ % (std::uint64_t{1} << (kBits * level)) == 0) {
          cascade(level);
        }
      }
    }
    Request* request = unlink_all(0, now_tick_ % kSlots);
    while (request != nullptr) {
      Request* following = request->wheel_next;
      request->wheel_prev = request->wheel_next = nullptr;
      request->wheel_slot = Request::kNoWheelSlot;
      --size_;
      *end = request;
      end = &request->wheel_next;
      request = following;
    }
  }
  return first;
}

std::optional<TimePoint> DeadlineWheel::next_wake() const {
  if (size_ == 0) {
    return std::nullopt;
  }
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t here = (now_tick_ >> (kBits * level)) % kSlots;
    const std::uint64_t slot = first_occupied(levels_[static_cast<std::size_t>(level)].occupied, here + 1);
    if (slot < kSlots) {
      const std::uint64_t tick = ((now_tick_ >> (kBits * level)) - here + slot) << (kBits * level);
      return start_ + milliseconds(tick);
    }
  }
  return start_ + milliseconds(now_tick_ + 1);
}

}  // namespace agones::plugin
