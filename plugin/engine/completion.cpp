// SPDX-License-Identifier: Apache-2.0
#include "engine/completion.h"

#include <algorithm>
#include <new>
#include <utility>

namespace agones::plugin {

namespace {

// Shorter ones are not worth a copy.
constexpr std::size_t kLongMessage = 64U << 10;

}  // namespace

CompletionBlock::CompletionBlock(std::string bytes, Kind its_kind)
    : QueuedEvent(its_kind), storage_(std::move(bytes)) {}

void CompletionBlock::compact() noexcept {
  std::size_t needed = 0;
  for (const Completion& item : items) {
    needed += item.payload.size();
  }
  if (storage_.size() < kLongMessage || needed > storage_.size() / 2) {
    return;
  }
  try {
    std::string kept;
    // On the heap, so that it stays where it is when it moves.
    kept.reserve(std::max(needed, sizeof(std::string)));
    for (const Completion& item : items) {
      kept += item.payload;
    }
    const char* payload = kept.data();
    for (Completion& item : items) {
      item.payload = {payload, item.payload.size()};
      payload += item.payload.size();
    }
    storage_ = std::move(kept);
  } catch (const std::bad_alloc&) {
    // It stays as it is.
  }
}

std::size_t CompletionBlock::bytes() const {
  return sizeof(*this) + storage_.capacity() + items.capacity() * sizeof(Completion);
}

}  // namespace agones::plugin
