// SPDX-License-Identifier: Apache-2.0
// What goes on, shown while it does: a screen that is drawn over on a terminal, a line a second elsewhere.
#pragma once

#include <agones/client.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace game_host {

const char* name_of(proc_connection_state state);

class LiveView {
 public:
  using Clock = std::chrono::steady_clock;

  LiveView();
  // Leaves the terminal as it was.
  ~LiveView();
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  // Whether it is time to show something again.
  bool due(Clock::time_point now) const { return now >= next_; }
  void show(const agones::Client& client, Clock::time_point now);
  // A line of its own, such as a swap's outcome.
  void note(const std::string& text) { note_ = text; }

 private:
  struct Sample {
    double per_second = 0;
    double p50_ms = 0;
    double p99_ms = 0;
  };

  Sample sample(const agones::Metrics& metrics, double seconds);
  void draw(const agones::Client& client, const agones::Metrics& metrics, const Sample& now, double elapsed) const;
  void print(const agones::Client& client, const agones::Metrics& metrics, const Sample& now, double elapsed) const;

  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  Clock::time_point next_ = start_;
  std::unique_ptr<proc_histogram> last_answers_;
  std::unique_ptr<proc_histogram> answers_;  // since the last one
  std::deque<Sample> samples_;               // the newest last
  std::string note_;
};

}  // namespace game_host
