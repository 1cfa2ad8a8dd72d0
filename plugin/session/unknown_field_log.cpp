// SPDX-License-Identifier: Apache-2.0
#include "session/unknown_field_log.h"

#include <cstddef>

namespace agones::plugin {

namespace {

// What a host makes up anew for every request is not remembered for ever.
constexpr std::size_t kMostNames = 64;

}  // namespace

bool UnknownFieldLog::is_new(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return told_.size() < kMostNames && told_.insert(name).second;
}

void UnknownFieldLog::tell(const std::vector<std::string>& names) noexcept {
  if (!log_.wants(PROC_SEVERITY_WARNING)) {
    return;
  }
  for (const std::string& name : names) {
    try {
      if (!is_new(name)) {
        continue;
      }
    } catch (const std::bad_alloc&) {
      return;  // told of when it comes again
    }
    log_.add_made([&] {
      LogEntry entry(LogKind::kUnknownField, PROC_SEVERITY_WARNING,
                     "requests have an unknown field, which is passed over: " + name);
      entry.fields.push_back({"field", name});
      return entry;
    });
  }
}

}  // namespace agones::plugin
