// SPDX-License-Identifier: Apache-2.0
// The engine at a processor that is a few numbers, on a clock that the simulation holds: hours of load in a moment, the same
// every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "local-processor/update_schedule.h"

namespace agones::plugin::test {

// How long a processor works.
class Work {
 public:
  virtual ~Work() = default;
  // When a batch that comes now will be answered. `now` never goes back.
  virtual TimePoint done(TimePoint now, std::size_t requests) = 0;
};

// The same time for every batch.
class ConstantTime : public Work {
 public:
  explicit ConstantTime(Duration a_batch) : time(a_batch) {}
  TimePoint done(TimePoint now, std::size_t /*requests*/) override { return now + time; }
  Duration time;
};

// So many requests a second, one after the other, and a time that everyone takes beside.
class ConstantRate : public Work {
 public:
  ConstantRate(double rate, Duration base) : per_second(rate), base_(base) {}
  TimePoint done(TimePoint now, std::size_t requests) override;
  double per_second;

 private:
  Duration base_;
  TimePoint free_{};
};

// What stands behind Agones' processor: requests of all streams are gathered, then written, so many a second, so many at a time.
class LikeAgones : public Work {
 public:
  LikeAgones(const local::UpdateTiming& timing, Duration gathering, std::uint32_t seed)
      : schedule_(timing, seed), gathering_(gathering) {}
  TimePoint done(TimePoint now, std::size_t requests) override;

 private:
  local::UpdateSchedule schedule_;
  Duration gathering_;
  TimePoint look_{};
};

// What happens when, for all clients of a processor.
class Timeline {
 public:
  void post(TimePoint at, std::function<void()> action);
  TimePoint now() const { return now_; }
  // Does the next thing, unless it is later than that. False: there is none.
  bool step(TimePoint until);
  void run_until(TimePoint time);

  static constexpr TimePoint kBeginning{std::chrono::hours(1)};

 private:
  struct Event {
    TimePoint at;
    std::uint64_t number;
    std::function<void()> action;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : number > other.number; }
  };

  TimePoint now_ = kBeginning;
  std::priority_queue<Event> events_;
  std::uint64_t events_posted_ = 0;
};

// One client.
class Simulation : private EngineSink {
 public:
  Simulation(const Engine::Config& config, Work& work, Duration first_pull = milliseconds(100));
  // Another client of the processor of `other`. Whichever is run, time goes on for both.
  Simulation(const Engine::Config& config, Simulation& other, Duration first_pull = milliseconds(100));

  void submit(std::size_t count, Duration timeout = std::chrono::minutes(10));
  // Each request that ends is followed by another.
  void keep_under_way(std::size_t count);
  void at(Duration time, std::function<void()> action);
  void every(Duration interval, const std::function<void()>& action);
  // Requests at random times, so many a second, for so long.
  void submit_at_random(double per_second, Duration for_so_long, std::uint32_t seed,
                        Duration timeout = std::chrono::minutes(10));
  void run_until(Duration time);
  // Until all have ended.
  void run();

  Duration now() const { return time() - kBeginning; }
  Engine& engine() { return *engine_; }
  const Counters& counters() const { return counters_; }
  // What is read is begun anew.
  std::size_t take_ended();
  std::vector<double> take_latencies();  // ms
  struct Sent {
    double at;  // ms
    std::size_t requests;
    std::size_t stream;
  };
  std::vector<Sent> take_batches();
  std::size_t streams() const { return pulled_.size(); }
  std::size_t most_streams() const { return most_streams_; }
  // All streams are lost at once, and open again: another leader, or the same.
  void disconnect();

  static constexpr TimePoint kBeginning = Timeline::kBeginning;

 private:
  Simulation(const Engine::Config& config, Work& work, std::shared_ptr<Timeline> timeline, Duration first_pull);

  void completed(std::unique_ptr<CompletionBlock> block) noexcept override;
  void log(LogEntry entry) noexcept override;
  std::uint64_t unpolled_bytes() const noexcept override { return 0; }

  TimePoint time() const { return timeline_->now(); }
  void submit_one(Duration timeout);
  void turn();
  void wake_at(std::optional<TimePoint> at);
  void send(std::uint64_t stream, const Engine::Batch& batch);
  void pull();

  Work& work_;
  std::shared_ptr<Timeline> timeline_;
  Counters counters_;
  std::unique_ptr<Metrics> metrics_ = std::make_unique<Metrics>();
  std::map<std::uint64_t, bool> pulled_;  // streams
  std::size_t most_streams_ = 0;
  std::uint64_t last_stream_ = 0;
  std::uint64_t last_request_ = 0;
  std::size_t pending_ = 0;
  std::size_t target_ = 0;
  std::size_t ended_ = 0;
  std::vector<double> latencies_;
  std::vector<Sent> batches_;
  TimePoint wake_ = TimePoint::max();
  std::unique_ptr<Engine> engine_;
};

double mean(const std::vector<double>& values);
double percentile(std::vector<double> values, double share);

}  // namespace agones::plugin::test
