// SPDX-License-Identifier: Apache-2.0
// The line that says every minute what happened since the last one. Pure.
#pragma once

#include <memory>

#include "agones/processor.h"
#include "log/log_entry.h"

namespace agones::plugin {

class Summary {
 public:
  Summary();

  // What is to be filled in before the next next().
  proc_stats& stats() { return stats_; }
  proc_histogram& answer_time() { return *answer_time_; }

  LogEntry next(proc_connection_state connection);

 private:
  proc_stats stats_{};
  proc_stats last_stats_{};
  // Too large for a thread's stack.
  std::unique_ptr<proc_histogram> answer_time_;
  std::unique_ptr<proc_histogram> last_answer_time_;
  std::unique_ptr<proc_histogram> new_answer_time_;  // since the last one
};

}  // namespace agones::plugin
