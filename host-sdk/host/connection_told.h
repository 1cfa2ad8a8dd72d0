// SPDX-License-Identifier: Apache-2.0
// The last CONNECTION event of a plugin.
#pragma once

#include <agones/processor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace agones::host {

class ConnectionTold {
 public:
  // What a plugin hands out; events of other types are none of its business.
  void note(const proc_event& event) noexcept;
  // The same as proc_poll_json's text. Its message and address are left out.
  void note(std::string_view json) noexcept;

  // How many there were.
  std::uint64_t count() const { return count_; }
  // 0: none yet.
  proc_connection_state state() const { return state_; }
  // The event once more, in the struct that this library knows. It points into this object.
  proc_event event() const;

 private:
  std::uint64_t count_ = 0;
  proc_connection_state state_ = 0;
  std::string message_;
  std::string address_;
  std::uint32_t retry_after_ms_ = 0;
};

}  // namespace agones::host
