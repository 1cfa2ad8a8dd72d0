// SPDX-License-Identifier: Apache-2.0
// Log lines about the fields of requests that are passed over: one for each name, so that a host that sends the same in every
// request is told once. Any thread.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "session/session_log.h"

namespace agones::plugin {

class UnknownFieldLog {
 public:
  explicit UnknownFieldLog(SessionLog& log) : log_(log) {}

  void tell(const std::vector<std::string>& names) noexcept;

 private:
  bool is_new(const std::string& name);

  SessionLog& log_;
  std::mutex mutex_;
  std::set<std::string> told_;
};

}  // namespace agones::plugin
