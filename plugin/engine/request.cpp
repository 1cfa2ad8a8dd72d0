// SPDX-License-Identifier: Apache-2.0
#include "engine/request.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace agones::plugin {

RequestPtr Request::create(std::string_view encoded, std::uint64_t token, TimePoint accepted,
                           TimePoint deadline) noexcept {
  void* block = std::malloc(sizeof(Request) + encoded.size());
  if (block == nullptr) {
    return nullptr;
  }
  auto* request = new (block) Request();
  request->token = token;
  request->accepted = accepted;
  request->deadline = deadline;
  request->encoded_size = static_cast<std::uint32_t>(encoded.size());
  if (!encoded.empty()) {
    std::memcpy(static_cast<char*>(block) + sizeof(Request), encoded.data(), encoded.size());
  }
  return RequestPtr(request);
}

std::string_view Request::encoded() const {
  return {reinterpret_cast<const char*>(this) + sizeof(Request), encoded_size};
}

void RequestDeleter::operator()(Request* request) const noexcept {
  request->~Request();
  std::free(request);
}

}  // namespace agones::plugin
