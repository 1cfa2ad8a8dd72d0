// SPDX-License-Identifier: Apache-2.0
#include "engine/stream_set.h"

#include <utility>

namespace agones::plugin {

void StreamSet::open(std::uint64_t number, std::string client_id, TimePoint now) {
  EngineStream& opened = streams_[number];
  opened.client_id = std::move(client_id);
  opened.last_used = now;
}

EngineStream* StreamSet::find(std::uint64_t number) {
  const auto found = streams_.find(number);
  return found != streams_.end() ? &found->second : nullptr;
}

EngineStream* StreamSet::find_open(std::uint64_t number) {
  EngineStream* const found = find(number);
  return found != nullptr && found->is_open() ? found : nullptr;
}

bool StreamSet::is_pulled(const EngineStream& stream, TimePoint now) const {
  // What a pull is for may be sent for it, however long ago it came.
  return stream.is_open() && (stream.pulls.may_send(now) || (stream.pulled_for_some && pacer_.covers()));
}

bool StreamSet::may_take_batch(const EngineStream& stream, TimePoint now) const {
  return is_pulled(stream, now) && stream.sent.unanswered() < max_unanswered_batches_;
}

bool StreamSet::any_may_take_batch(TimePoint now) const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [&](const auto& entry) { return may_take_batch(entry.second, now); });
}

std::size_t StreamSet::open_count() const {
  return count([](const EngineStream& stream) { return stream.is_open(); });
}

std::size_t StreamSet::pulled(TimePoint now) const {
  return count([&](const EngineStream& stream) { return is_pulled(stream, now); });
}

std::size_t StreamSet::busy() const {
  return count([&](const EngineStream& stream) {
    return stream.is_open() && stream.sent.unanswered() >= max_unanswered_batches_;
  });
}

std::size_t StreamSet::late() const {
  std::size_t late = 0;
  for (const auto& [number, stream] : streams_) {
    late += stream.state == EngineStream::State::kLost ? 0 : stream.sent.late();
  }
  return late;
}

std::optional<std::uint64_t> StreamSet::idle(Duration unused, TimePoint now) const {
  if (open_count() < 2) {
    return std::nullopt;
  }
  for (auto place = streams_.rbegin(); place != streams_.rend(); ++place) {
    const EngineStream& stream = place->second;
    if (stream.is_open() && stream.sent.unanswered() == 0 && stream.sent.late() == 0 &&
        now - stream.last_used > unused) {
      return place->first;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> StreamSet::answer_late(EngineStream& came_on, std::uint64_t request) {
  std::optional<std::uint64_t> batch = came_on.sent.answer_late(request);
  for (auto other = streams_.begin(); !batch && other != streams_.end(); ++other) {
    batch = other->second.sent.answer_late(request);
  }
  return batch;
}

}  // namespace agones::plugin
