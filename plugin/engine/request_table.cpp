// SPDX-License-Identifier: Apache-2.0
#include "engine/request_table.h"

#include <utility>

namespace agones::plugin {

RequestTable::Chunk* RequestTable::chunk_of(std::uint64_t id) const {
  const std::uint64_t number = id / kChunkSize;
  if (recent_ != nullptr && recent_number_ == number) {
    return recent_;
  }
  const auto found = chunks_.find(number);
  if (found == chunks_.end()) {
    return nullptr;
  }
  recent_number_ = number;
  recent_ = found->second.get();
  return recent_;
}

void RequestTable::insert(RequestPtr&& request) {
  const std::uint64_t id = request->id;
  Chunk* chunk = chunk_of(id);
  if (chunk == nullptr) {
    auto made = std::make_unique<Chunk>();
    chunk = chunks_.emplace(id / kChunkSize, std::move(made)).first->second.get();
  }
  chunk->requests[id % kChunkSize] = std::move(request);
  ++chunk->used;
  ++size_;
}

Request* RequestTable::find(std::uint64_t id) const {
  const Chunk* chunk = chunk_of(id);
  return chunk == nullptr ? nullptr : chunk->requests[id % kChunkSize].get();
}

RequestPtr RequestTable::take(std::uint64_t id) {
  Chunk* chunk = chunk_of(id);
  if (chunk == nullptr || chunk->requests[id % kChunkSize] == nullptr) {
    return nullptr;
  }
  RequestPtr request = std::move(chunk->requests[id % kChunkSize]);
  --size_;
  if (--chunk->used == 0) {
    recent_ = nullptr;
    chunks_.erase(id / kChunkSize);
  }
  return request;
}

}  // namespace agones::plugin
