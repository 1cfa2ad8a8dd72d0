// SPDX-License-Identifier: Apache-2.0
#include "host/connection_told.h"

#include <new>

#include "contract/names.h"

namespace agones::host {

namespace {

constexpr std::string_view kBegin = R"({"type":"CONNECTION","connection":")";

std::string text_of(const proc_text& text) {
  return text.data == nullptr ? std::string() : std::string(text.data, text.size);
}

}  // namespace

void ConnectionTold::note(const proc_event& event) noexcept {
  if (event.type != PROC_EVENT_CONNECTION) {
    return;
  }
  ++count_;
  state_ = event.connection;
  retry_after_ms_ = event.retry_after_ms;
  message_.clear();
  address_.clear();
  try {
    message_ = text_of(event.message);
    address_ = text_of(event.address);
  } catch (const std::bad_alloc&) {
    // The state is what matters.
  }
}

void ConnectionTold::note(std::string_view json) noexcept {
  if (json.substr(0, kBegin.size()) != kBegin) {
    return;
  }
  const std::string_view rest = json.substr(kBegin.size());
  const std::string_view name = rest.substr(0, rest.find('"'));
  for (proc_connection_state state = PROC_CONNECTION_CONNECTING; state <= PROC_CONNECTION_CLOSED; ++state) {
    if (name == plugin::connection_name(state)) {
      ++count_;
      state_ = state;
      retry_after_ms_ = 0;
      message_.clear();
      address_.clear();
    }
  }
}

proc_event ConnectionTold::event() const {
  proc_event event{};
  event.struct_size = sizeof(event);
  event.type = PROC_EVENT_CONNECTION;
  event.connection = state_;
  event.message = {message_.data(), message_.size()};
  event.address = {address_.data(), address_.size()};
  event.retry_after_ms = retry_after_ms_;
  return event;
}

}  // namespace agones::host
