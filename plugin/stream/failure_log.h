// SPDX-License-Identifier: Apache-2.0
// Which failures are news. Attempts are repeated for hours; a line is worth writing when something changed. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace agones::plugin {

class FailureLog {
 public:
  // Whether `what` (an address, the resolver ...) failed for another reason than the last time, and than `related` did: a
  // connection that breaks takes its streams with it, which is one piece of news.
  bool failed(const std::string& what, const std::string& reason, const std::string& related = {});
  // It works: the next failure is news again.
  void recovered(const std::string& what) { reasons_.erase(what); }
  // All else is gone for good: addresses come and go.
  void keep_only(const std::vector<std::string>& known);
  std::size_t size() const { return reasons_.size(); }

 private:
  std::map<std::string, std::string> reasons_;
};

}  // namespace agones::plugin
