// SPDX-License-Identifier: Apache-2.0
// What the link asks of and tells the session, beside what it does with the engine. All on the link's thread. Any of it may throw for want of memory: the
// link then gives up what it holds and begins anew; nothing of the session's is lost.
#pragma once

#include "agones/processor.h"
#include "base/time.h"
#include "log/log_entry.h"
#include "stream/connection_status.h"

namespace agones::plugin {

class LinkHandler {
 public:
  virtual ~LinkHandler() = default;

  // Takes in what is new and ends what is due. Returns when the next turn must be, if nothing else
  // comes first.
  virtual TimePoint turn(TimePoint now) = 0;
  // The link is to close and its run() to return.
  virtual bool finished() = 0;
  // Before the engine gets a message: a pull covers what was submitted before it came, also what turn() has not taken in yet.
  virtual void take_in(TimePoint now) = 0;

  virtual void connection_changed(const ConnectionStatus& status, TimePoint now) = 0;
  // Whether lines of this severity are wanted.
  virtual bool logs(proc_severity severity) const noexcept = 0;
  virtual void log(LogEntry entry) noexcept = 0;
};

}  // namespace agones::plugin
