// SPDX-License-Identifier: Apache-2.0
// How many lines of a kind a host gets: a processor that does the same wrong thing ten thousand times a second is told of,
// not ten thousand times. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "log/log_entry.h"

namespace agones::plugin {

class LogLimit {
 public:
  static constexpr std::uint32_t kMost = 20;
  static constexpr std::chrono::seconds kInterval{10};

  struct Verdict {
    bool allowed;
    std::uint64_t suppressed;  // since the last one that was allowed
  };
  Verdict ask(LogKind kind, TimePoint now);

 private:
  struct Window {
    TimePoint start{};
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };
  std::array<Window, kLogKinds> windows_;
};

}  // namespace agones::plugin
