// SPDX-License-Identifier: Apache-2.0
// What is known of the connection: any thread may ask, the link's thread alone changes it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "session/event_queue.h"
#include "stream/connection_status.h"

namespace agones::plugin {

class ConnectionState {
 public:
  proc_connection_state state() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return status_.state;
  }
  proc_connection_state state(std::string& reason) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    reason = status_.reason;
    return status_.state;
  }

  // The link's thread. The event to tell the host of it. Throws std::bad_alloc.
  std::unique_ptr<StateChange> change(const ConnectionStatus& status) {
    auto event = std::make_unique<StateChange>();
    event->status = status;
    event->number = ++changes_;
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = status;
    return event;
  }
  // Without an event, and without memory.
  void close() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_.state = PROC_CONNECTION_CLOSED;
  }
  // Valid until the next change.
  const std::string& reason() const { return status_.reason; }

 private:
  mutable std::mutex mutex_;
  ConnectionStatus status_;
  std::uint64_t changes_ = 0;
};

}  // namespace agones::plugin
