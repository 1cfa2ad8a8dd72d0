// SPDX-License-Identifier: Apache-2.0
// When the API server will have written what it is given: a limit of writes a second, with a burst, and of writes at a
// time. No threads, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace agones::local {

struct UpdateTiming {
  double per_second = 0;  // 0: no limit
  std::uint32_t burst = 500;
  std::uint32_t at_a_time = 100;
  std::chrono::microseconds each{0};
  // So many, of 1, take so long instead.
  double slow_rate = 0;
  std::chrono::microseconds slow{0};
};

class UpdateSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;

  UpdateSchedule(const UpdateTiming& timing, std::uint32_t seed);

  // The time when one that comes now is done. `now` never goes back.
  Time add(Time now);

  const UpdateTiming& timing() const { return timing_; }
  // For those that come from now on; so many at a time as before. What was saved up of the burst stays.
  void change(const UpdateTiming& timing, Time now);

 private:
  Time allowed_from(Time start);
  Time::duration interval() const;

  UpdateTiming timing_;
  std::mt19937 random_;
  // When each of those that may be written at a time is free again.
  std::priority_queue<Time, std::vector<Time>, std::greater<>> free_;
  Time next_of_rate_{};
};

}  // namespace agones::local
