// SPDX-License-Identifier: Apache-2.0
// How many requests may be under way at the processor, how many of them the next batch has, and on how many streams. It begins
// as plain batches do, all that waits on few streams; it makes batches small, on many streams, once a slow request was seen to
// hold up the others of its batch. The window grows while batches take no longer for it, and shrinks when nothing but their time
// grows (DESIGN.md, "How large a batch is"). Pure; but for reserve() it needs no memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace agones::plugin {

class Window {
 public:
  struct Config {
    std::uint32_t max_batch_size = 1;
    bool fixed = false;  // batches take all that may be sent, whatever the processor does
    std::uint32_t max_streams = 1;
    std::uint64_t max_answer_bytes = 0;  // of one batch's answer
  };

  // What there is at the moment that is asked about.
  struct Now {
    TimePoint time;
    Duration gap{};           // batches go so far apart, at least
    bool paced = true;        // the next one does, too
    std::size_t waiting = 0;  // requests that may be sent
    std::size_t streams = 0;  // that take batches, now or when theirs is answered
  };

  explicit Window(const Config& config) : config_(config) {}

  // How many requests a batch may have now; 0: none is to be sent. A stream is free.
  std::size_t batch_size(const Now& now);
  // How long the next batch is to wait after this one of `requests`, which was sent just now. What comes in that time goes
  // together. `now.waiting` are left.
  Duration pause(const Now& now, std::size_t requests) const;
  // From when on it will not be 0, if nothing is answered before.
  TimePoint opens_at(const Now& now) const;
  // How many streams could be used.
  std::size_t streams_wanted(const Now& now) const;
  // When it will be one more, if nothing is answered before. TimePoint::max(): not then.
  TimePoint more_wanted_at(const Now& now) const;

  // Makes room for one more batch, so that sent() can't fail.
  void reserve();
  void sent(std::uint64_t stream, std::uint64_t batch, std::size_t requests, TimePoint now) noexcept;
  void answered(std::uint64_t batch, std::size_t answer_bytes, TimePoint now) noexcept;
  // No answer on this stream tells anything any more.
  void stream_lost(std::uint64_t stream) noexcept;

  // A slow request was seen to hold up the others of its batch, so batches are small, on more streams.
  bool split(TimePoint now) const;
  // Requests that may be under way.
  std::size_t size() const { return static_cast<std::size_t>(size_); }
  // Requests under way, but for those of batches that are held up.
  std::size_t busy() const { return busy_; }

 private:
  struct Batch {
    std::uint64_t stream = 0;
    std::uint64_t id = 0;
    TimePoint sent;
    std::size_t requests = 0;
    std::size_t under_way = 0;  // with it
    bool in_use = false;        // the window, when it was sent
    // One that was sent later has been answered: a slow request keeps this one, and the processor has time for others.
    bool held_up = false;
  };

  enum class Trial : std::uint8_t { kNone, kLook, kShrunk };

  const Batch* oldest() const;
  Duration batch_time(TimePoint now) const;
  bool quick(Duration time, Duration gap) const;
  std::size_t most_lanes(const Now& now) const;
  std::size_t lanes(const Now& now) const;
  std::size_t proven() const;
  bool overdue(TimePoint now) const;
  std::size_t room() const { return busy_ < size() ? size() - busy_ : 0; }
  std::size_t largest() const;
  std::size_t unsplit_share(const Now& now, std::size_t streams) const;
  std::size_t share(const Now& now) const;
  bool full(const Now& now) const;
  Duration patience() const;
  Duration acceptable() const;
  Duration work_of(const Batch& batch) const;
  void hold_up_those_before(std::size_t index, TimePoint now);
  void forget(std::size_t index) noexcept;
  void learn(const Batch& batch, TimePoint now);
  Duration middle_of_last(Duration time);
  void compare_with_usual(const Batch& batch, TimePoint now);
  void tail_seen(TimePoint now);
  void grow(std::size_t requests, Duration time);
  void shrink(const Batch& batch, TimePoint now);
  double least(const Batch& slow, TimePoint now) const;
  void begin_trial(Trial trial, TimePoint now);
  void begin_round(TimePoint now);
  void end_round(TimePoint now);
  void end_trial(TimePoint now);
  void resize(double size, double least);

  static constexpr double kFirst = 256;
  static constexpr double kUsualRate = 400;  // what Agones' Kubernetes client writes
  static constexpr std::size_t kMostSamples = 16;
  static constexpr Duration kLookAgain = std::chrono::seconds(4);

  Config config_;
  std::vector<Batch> under_way_;  // in the order they were sent
  std::size_t busy_ = 0;
  std::size_t held_up_ = 0;  // batches
  double answer_bytes_ = 0;  // of a request, as much as they had lately
  double size_ = kFirst;

  Duration gap_{};
  std::array<Duration, 5> last_times_{};  // of batches
  std::size_t last_time_ = 0;
  Duration time_{};  // what a batch takes, by the last round
  Duration base_{};  // what it takes at least, however small the window

  // Requests that were answered a second, in the last rounds and at the best for long.
  double rate_ = kUsualRate;
  double best_rate_ = kUsualRate;
  std::size_t clean_ = 0;  // requests that were answered since a batch was held up last
  std::optional<TimePoint> held_up_at_;
  bool slow_ = false;  // the last batch took much longer than usual
  unsigned slow_batches_ = 0;

  // The round: some batches that were sent since its beginning.
  TimePoint round_began_{};
  std::array<Duration, kMostSamples> times_{};
  std::size_t time_count_ = 0;
  std::size_t answered_ = 0;           // requests, in its time
  std::size_t answered_by_round_ = 0;  // by its batches after the first
  TimePoint first_answer_{};
  bool limited_ = false;  // requests waited that the window kept
  bool cut_ = false;      // the last batch left some that waited
  bool grew_ = false;

  // Since it shrank last.
  std::size_t requests_grown_on_ = 0;
  unsigned bold_rounds_ = 4;  // plain batches would have taken it all at once

  // For some batches it is a quarter of what it was, to see what they take then: after it has shrunk to that, for what makes
  // them long may be something else; and now and then, for base_.
  Trial trial_ = Trial::kNone;
  bool shrinking_ = false;
  double size_before_ = 0;
  Duration time_before_{};
  double trial_rate_ = 0;   // in the last round
  double rate_before_ = 0;  // requests that were answered a second while it shrank
  TimePoint shrink_began_{};
  std::size_t answered_while_shrinking_ = 0;
  double tolerance_ = 2;  // how many times as long as it must a batch may take
  TimePoint shrunk_at_{};
  TimePoint looked_at_{};
  Duration look_again_ = kLookAgain;

  // Nothing is answered: now and then one request may go all the same.
  TimePoint last_sign_{};
  unsigned probes_ = 0;
  TimePoint stood_still_until_{};
};

}  // namespace agones::plugin
