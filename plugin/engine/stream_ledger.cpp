// SPDX-License-Identifier: Apache-2.0
#include "engine/stream_ledger.h"

#include <algorithm>
#include <utility>

namespace agones::plugin {

void StreamLedger::sent(std::uint64_t batch, std::vector<std::uint64_t> requests, TimePoint now) {
  Batch added;
  added.id = batch;
  added.sent_at = now;
  added.requests = std::move(requests);
  if (!std::is_sorted(added.requests.begin(), added.requests.end())) {
    std::sort(added.requests.begin(), added.requests.end());
  }
  added.late.resize(added.requests.size());
  batches_.push_back(std::move(added));
}

std::optional<std::size_t> StreamLedger::find(std::uint64_t batch) const {
  const auto found = std::lower_bound(batches_.begin(), batches_.end(), batch,
                                      [](const Batch& candidate, std::uint64_t id) { return candidate.id < id; });
  if (found == batches_.end() || found->id != batch) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - batches_.begin());
}

std::optional<std::size_t> StreamLedger::find(const Batch& batch, std::uint64_t request) {
  const auto found = std::lower_bound(batch.requests.begin(), batch.requests.end(), request);
  if (found == batch.requests.end() || *found != request) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - batch.requests.begin());
}

const std::vector<std::uint64_t>* StreamLedger::unanswered_requests(std::uint64_t batch) const {
  const auto index = find(batch);
  return !index || batches_[*index].answered ? nullptr : &batches_[*index].requests;
}

TimePoint StreamLedger::sent_at(std::uint64_t batch) const {
  const auto index = find(batch);
  return index ? batches_[*index].sent_at : TimePoint();
}

bool StreamLedger::gave_up(std::uint64_t batch, std::uint64_t request) {
  const auto index = find(batch);
  if (!index) {
    return false;
  }
  Batch& its_batch = batches_[*index];
  const auto place = find(its_batch, request);
  if (place && its_batch.late[*place] == 0) {
    its_batch.late[*place] = 1;
    ++its_batch.late_count;
    ++late_;
  }
  return true;
}

std::optional<std::uint64_t> StreamLedger::answer_late(std::uint64_t request) {
  for (std::size_t index = 0; index < batches_.size(); ++index) {
    Batch& batch = batches_[index];
    const auto place = find(batch, request);
    if (!place || batch.late[*place] == 0) {
      continue;
    }
    const std::uint64_t id = batch.id;
    batch.late[*place] = 0;
    --batch.late_count;
    --late_;
    if (batch.answered && batch.late_count == 0) {
      forget(index);
    }
    return id;
  }
  return std::nullopt;
}

std::size_t StreamLedger::answered(std::uint64_t batch) {
  const auto index = find(batch);
  if (!index || batches_[*index].answered) {
    return 0;
  }
  batches_[*index].answered = true;
  ++incomplete_;
  if (batches_[*index].late_count == 0) {
    return forget(*index);
  }
  if (incomplete_ <= kMostIncomplete) {
    return 0;
  }
  const auto oldest =
      std::find_if(batches_.begin(), batches_.end(), [](const Batch& candidate) { return candidate.answered; });
  return forget(static_cast<std::size_t>(oldest - batches_.begin()));
}

std::size_t StreamLedger::forget(std::size_t index) {
  const std::size_t awaited = batches_[index].late_count;
  late_ -= awaited;
  --incomplete_;
  batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(index));
  return awaited;
}

}  // namespace agones::plugin
