// SPDX-License-Identifier: Apache-2.0
// One accepted request: a single heap block with the encoded allocation.AllocationRequest behind it, and, of a traced one, its
// traceparent.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/time.h"

namespace agones::plugin {

struct Request;

struct RequestDeleter {
  void operator()(Request* request) const noexcept;
};
using RequestPtr = std::unique_ptr<Request, RequestDeleter>;

struct Request {
  static constexpr std::uint16_t kNoWheelSlot = 0xffff;

  enum class State : std::uint8_t { kQueued, kInFlight, kEnded };

  // Copies both texts. Null if there is no memory. `traceparent` is empty or checked.
  static RequestPtr create(std::string_view encoded, std::string_view traceparent, std::uint64_t token,
                           TimePoint accepted, TimePoint deadline) noexcept;

  std::string_view encoded() const;
  std::string_view traceparent() const;

  // Links of the list that the request is in: the submit queue (next alone), the hot batch, or the
  // requests in flight.
  Request* next = nullptr;
  Request* prev = nullptr;
  // Links of its slot in the deadline wheel.
  Request* wheel_next = nullptr;
  Request* wheel_prev = nullptr;

  std::uint64_t id = 0;  // the plugin's own, in sequence; see session/request_ids.h for the host's
  std::uint64_t batch_id = 0;
  std::uint64_t stream = 0;  // that the batch was sent on
  std::uint64_t token = 0;
  TimePoint accepted;
  TimePoint deadline;
  std::uint32_t encoded_size = 0;
  std::uint16_t wheel_slot = kNoWheelSlot;
  State state = State::kQueued;
  // In flight now or earlier: nobody can say any more that it was not sent.
  bool ever_sent : 1;
  bool traced : 1;

 private:
  Request() : ever_sent(false), traced(false) {}
};

}  // namespace agones::plugin
