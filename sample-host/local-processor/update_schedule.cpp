// SPDX-License-Identifier: Apache-2.0
#include "local-processor/update_schedule.h"

#include <algorithm>

namespace agones::local {

UpdateSchedule::UpdateSchedule(const UpdateTiming& timing, std::uint32_t seed) : timing_(timing), random_(seed) {
  for (std::uint32_t i = 0; i < timing.at_a_time; ++i) {
    free_.push(Time{});
  }
}

// A bucket of `burst` tokens: the time when it would be full again says how many are in it.
UpdateSchedule::Time UpdateSchedule::allowed_from(Time start) {
  if (timing_.per_second <= 0) {
    return start;
  }
  const Time full_again = std::max(next_of_rate_, start);
  next_of_rate_ = full_again + interval();
  return std::max(start, next_of_rate_ - interval() * timing_.burst);
}

UpdateSchedule::Time::duration UpdateSchedule::interval() const {
  return std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(1 / timing_.per_second));
}

void UpdateSchedule::change(const UpdateTiming& timing, Time now) {
  const auto missing =
      timing_.per_second > 0 && next_of_rate_ > now ? (next_of_rate_ - now) / interval() : Time::duration::rep{0};
  const std::uint32_t at_a_time = timing_.at_a_time;
  timing_ = timing;
  timing_.at_a_time = at_a_time;
  next_of_rate_ = timing_.per_second > 0 ? now + missing * interval() : now;
}

UpdateSchedule::Time UpdateSchedule::add(Time now) {
  const Time start = allowed_from(std::max(now, free_.top()));
  free_.pop();
  const bool slow = std::uniform_real_distribution<double>(0, 1)(random_) < timing_.slow_rate;
  const Time done = start + (slow ? timing_.slow : timing_.each);
  free_.push(done);
  return done;
}

}  // namespace agones::local
