// SPDX-License-Identifier: Apache-2.0
#include "stream/failure_log.h"

namespace agones::plugin {

bool FailureLog::failed(const std::string& what, const std::string& reason) {
  std::string& last = reasons_[what];
  if (last == reason) {
    return false;
  }
  last = reason;
  return true;
}

}  // namespace agones::plugin
