// SPDX-License-Identifier: Apache-2.0
// Every request that has not ended, by id. Ids are given out in sequence, so the table is an array in
// chunks: a lookup hashes nothing but the chunk number, and one old request keeps one chunk alive.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "engine/request.h"

namespace agones::plugin {

class RequestTable {
 public:
  // If it throws, the request stays with the caller.
  void insert(RequestPtr&& request);
  Request* find(std::uint64_t id) const;
  // The request leaves the table; null if it is not there.
  RequestPtr take(std::uint64_t id);
  std::size_t size() const { return size_; }

 private:
  static constexpr std::uint64_t kChunkSize = 512;
  struct Chunk {
    std::array<RequestPtr, kChunkSize> requests;
    std::uint32_t used = 0;
  };

  Chunk* chunk_of(std::uint64_t id) const;

  std::unordered_map<std::uint64_t, std::unique_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
  // The chunk that was asked for last: neighbours in a batch are neighbours here.
  mutable std::uint64_t recent_number_ = 0;
  mutable Chunk* recent_ = nullptr;
};

}  // namespace agones::plugin
