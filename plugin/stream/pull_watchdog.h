// SPDX-License-Identifier: Apache-2.0
// Notices a stream that is open but not pulled: a standby, a processor that forgot the client, or a peer
// that is gone. Pure.
#pragma once

#include "engine/time.h"

namespace agones::plugin {

class PullWatchdog {
 public:
  explicit PullWatchdog(milliseconds pull_timeout) : pull_timeout_(pull_timeout) {}

  void opened(TimePoint now);
  void pulled(TimePoint now);

  // When the stream is to be replaced, if no pull comes before. With another processor serving,
  // leadership has probably moved, and patience is a few of the stream's own pull intervals.
  TimePoint deadline(bool another_serves) const;

  bool ever_pulled() const { return ever_pulled_; }

 private:
  Duration pull_timeout_;
  TimePoint last_{};
  Duration longest_interval_{};
  bool ever_pulled_ = false;
};

}  // namespace agones::plugin
