// SPDX-License-Identifier: Apache-2.0
// Which failures are news. Attempts are repeated for hours; a line is worth writing when something changed. Pure.
#pragma once

#include <map>
#include <string>

namespace agones::plugin {

class FailureLog {
 public:
  // Whether `what` (an address, the resolver ...) failed for another reason than the last time.
  bool failed(const std::string& what, const std::string& reason);
  // It works: the next failure is news again.
  void recovered(const std::string& what) { reasons_.erase(what); }

 private:
  std::map<std::string, std::string> reasons_;
};

}  // namespace agones::plugin
