// SPDX-License-Identifier: Apache-2.0
// What the link asks of and tells the session. All on the link's thread. Any of it may throw for want of memory: the
// link then gives up what it holds and begins anew; nothing of the session's is lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agones/processor.h"
#include "engine/engine.h"
#include "log/log_entry.h"

namespace agones::plugin {

struct ConnectionStatus {
  proc_connection_state state = PROC_CONNECTION_CONNECTING;
  std::string reason;
  std::string address;
  std::uint32_t retry_after_ms = 0;
};

struct StreamsWanted {
  std::size_t count = 1;
  TimePoint more_at = TimePoint::max();  // then it is to be asked again
};

class LinkHandler {
 public:
  virtual ~LinkHandler() = default;

  // Takes in what is new and ends what is due. Returns when the next turn must be, if nothing else
  // comes first.
  virtual TimePoint turn(TimePoint now) = 0;
  // The link is to close and its run() to return.
  virtual bool finished() = 0;

  // As Engine's functions of these names. `first`: there is no other one.
  virtual void stream_opened(std::uint64_t stream, const std::string& client_id, bool first, TimePoint now) = 0;
  virtual void stream_lost(std::uint64_t stream, std::string_view reason, TimePoint now) = 0;
  virtual void all_streams_lost(std::string_view reason, TimePoint now) = 0;
  virtual bool stream_replaced(std::uint64_t stream, std::string_view reason, TimePoint now) = 0;
  virtual Received message(std::uint64_t stream, std::string bytes, TimePoint now) = 0;
  virtual const char* malformation() const = 0;
  virtual bool receive_late(std::uint64_t stream, std::string bytes, TimePoint now) = 0;
  virtual void late_stream_closed(std::uint64_t stream) noexcept = 0;
  virtual StreamsWanted streams_wanted(TimePoint now) = 0;
  virtual std::optional<std::uint64_t> idle_stream(TimePoint now) = 0;
  virtual bool may_send(TimePoint now) = 0;
  // The next message to write on this stream, if there is one to be sent now.
  virtual std::optional<std::string> next_message(std::uint64_t stream, TimePoint now) = 0;

  virtual void connection_changed(const ConnectionStatus& status, TimePoint now) = 0;
  virtual void log(LogEntry entry) noexcept = 0;
};

}  // namespace agones::plugin
