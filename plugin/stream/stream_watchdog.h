// SPDX-License-Identifier: Apache-2.0
// Notices a stream that is open but does not work: not pulled (a standby, a processor that forgot the client, a peer
// that is gone), or pulled but not answered (a processor that is stuck). Pure.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace agones::plugin {

class StreamWatchdog {
 public:
  StreamWatchdog(milliseconds pull_timeout, milliseconds answer_timeout)
      : pull_timeout_(pull_timeout), answer_timeout_(answer_timeout) {}

  void opened(TimePoint now);
  void pulled(TimePoint now);
  // A batch was sent, a batch was answered.
  void sent(TimePoint now);
  void answered(TimePoint now);

  // When the stream is to be replaced, if no pull comes before. With another processor serving,
  // leadership has probably moved, and patience is a few of the stream's own pull intervals.
  TimePoint pull_deadline(bool another_serves) const;
  // The same, if no answer comes before. Whether the host still waits for that answer does not matter: a stuck
  // processor reads no later batch either.
  TimePoint answer_deadline() const;

  bool ever_pulled() const { return ever_pulled_; }

 private:
  Duration pull_timeout_;
  Duration answer_timeout_;
  TimePoint last_pull_{};
  Duration longest_interval_{};
  bool ever_pulled_ = false;
  std::uint64_t unanswered_ = 0;
  TimePoint unanswered_since_{};
};

}  // namespace agones::plugin
