// SPDX-License-Identifier: Apache-2.0
#include "stream/failure_log.h"

#include <algorithm>
#include <iterator>

namespace agones::plugin {

bool FailureLog::failed(const std::string& what, const std::string& reason, const std::string& related) {
  const auto other = reasons_.find(related);
  const bool told = other != reasons_.end() && other->second == reason;
  std::string& last = reasons_[what];
  if (last == reason) {
    return false;
  }
  last = reason;
  return !told;
}

void FailureLog::keep_only(const std::vector<std::string>& known) {
  for (auto entry = reasons_.begin(); entry != reasons_.end();) {
    const bool is_known = std::find(known.begin(), known.end(), entry->first) != known.end();
    entry = is_known ? std::next(entry) : reasons_.erase(entry);
  }
}

}  // namespace agones::plugin
