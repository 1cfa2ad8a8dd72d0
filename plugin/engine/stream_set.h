// SPDX-License-Identifier: Apache-2.0
// The streams that the engine knows: those that are open, and those on which answers may still come. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "engine/pacer.h"
#include "engine/pull_clock.h"
#include "engine/stream_ledger.h"

namespace agones::plugin {

struct EngineStream {
  enum class State : std::uint8_t { kOpen, kReplaced, kLost };

  bool is_open() const { return state == State::kOpen; }

  State state = State::kOpen;
  std::string client_id;
  PullClock pulls;
  bool pulled_for_some = false;  // requests waited when the last pull came
  // Batches until they are answered: a late answer to one of these is an orphan.
  StreamLedger sent;
  TimePoint last_used;
  std::string lost_reason;
  bool all_ended = true;  // of what was in flight when it was open no more
};

class StreamSet {
 public:
  // `pacer`: what a pull is for may be sent for it.
  StreamSet(std::size_t max_unanswered_batches, const Pacer& pacer)
      : max_unanswered_batches_(max_unanswered_batches), pacer_(pacer) {}

  // Numbers ascend.
  void open(std::uint64_t number, std::string client_id, TimePoint now);
  // Null if it is none of these.
  EngineStream* find(std::uint64_t number);
  EngineStream* find_open(std::uint64_t number);
  // `each(number, stream)`.
  template <typename Each>
  void each(const Each& each) {
    for (auto& [number, stream] : streams_) {
      each(number, stream);
    }
  }
  // Those that are lost are forgotten after `each(stream)`.
  template <typename Each>
  void each_then_forget_lost(const Each& each) {
    for (auto place = streams_.begin(); place != streams_.end();) {
      each(place->second);
      place = place->second.state == EngineStream::State::kLost ? streams_.erase(place) : std::next(place);
    }
  }

  bool is_pulled(const EngineStream& stream, TimePoint now) const;
  bool may_take_batch(const EngineStream& stream, TimePoint now) const;
  bool any_may_take_batch(TimePoint now) const;
  // How many are open; how many of these are pulled; how many take no batch until an answer has come.
  std::size_t open_count() const;
  std::size_t pulled(TimePoint now) const;
  std::size_t busy() const;
  // Requests that gave up, and may still be answered.
  std::size_t late() const;
  // One that has not been needed for so long, if there is another; that opened last.
  std::optional<std::uint64_t> idle(Duration unused, TimePoint now) const;
  // An answer to a request that gave up: its batch; none if no such answer is awaited. Mostly it comes on the stream that the
  // request was sent on.
  std::optional<std::uint64_t> answer_late(EngineStream& came_on, std::uint64_t request);

 private:
  template <typename Which>
  std::size_t count(const Which& which) const {
    return static_cast<std::size_t>(
        std::count_if(streams_.begin(), streams_.end(), [&](const auto& entry) { return which(entry.second); }));
  }

  const std::size_t max_unanswered_batches_;
  const Pacer& pacer_;
  std::map<std::uint64_t, EngineStream> streams_;
};

}  // namespace agones::plugin
