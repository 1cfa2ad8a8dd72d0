// SPDX-License-Identifier: Apache-2.0
#include "log/log_limit.h"

#include <utility>

namespace agones::plugin {

LogLimit::Verdict LogLimit::ask(LogKind kind, TimePoint now) {
  Window& window = windows_[static_cast<std::size_t>(kind)];
  if (window.lines == 0 || now - window.start >= kInterval) {
    window.start = now;
    window.lines = 0;
  }
  if (window.lines == kMost) {
    ++window.suppressed;
    return {false, 0};
  }
  ++window.lines;
  return {true, std::exchange(window.suppressed, 0)};
}

}  // namespace agones::plugin
