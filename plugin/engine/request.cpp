// SPDX-License-Identifier: Apache-2.0
#include "engine/request.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "request/traceparent.h"

namespace agones::plugin {

RequestPtr Request::create(std::string_view encoded, std::string_view traceparent, std::uint64_t token,
                           TimePoint accepted, TimePoint deadline) noexcept {
  void* block = std::malloc(sizeof(Request) + encoded.size() + traceparent.size());
  if (block == nullptr) {
    return nullptr;
  }
  auto* request = new (block) Request();
  request->token = token;
  request->accepted = accepted;
  request->deadline = deadline;
  request->encoded_size = static_cast<std::uint32_t>(encoded.size());
  request->traced = !traceparent.empty();
  char* texts = static_cast<char*>(block) + sizeof(Request);
  if (!encoded.empty()) {
    std::memcpy(texts, encoded.data(), encoded.size());
  }
  if (request->traced) {
    std::memcpy(texts + encoded.size(), traceparent.data(), traceparent.size());
  }
  return RequestPtr(request);
}

std::string_view Request::encoded() const {
  return {reinterpret_cast<const char*>(this) + sizeof(Request), encoded_size};
}

std::string_view Request::traceparent() const {
  return {encoded().data() + encoded_size, traced ? kTraceparentSize : 0};
}

void RequestDeleter::operator()(Request* request) const noexcept {
  request->~Request();
  std::free(request);
}

}  // namespace agones::plugin
