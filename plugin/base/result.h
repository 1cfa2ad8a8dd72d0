// SPDX-License-Identifier: Apache-2.0
// How a failure is told inside the libraries. What can't return one, a constructor, throws StatusError; whatever is thrown
// becomes a Result at the border (contract/border.h).
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "agones/processor.h"

namespace agones::plugin {

// A status and, where there is more to say, the sentence for the host.
struct [[nodiscard]] Result {
  proc_status status = PROC_OK;
  std::string text;

  bool ok() const { return status == PROC_OK; }
};

inline Result invalid(std::string text) {
  return {PROC_ERR_INVALID_ARGUMENT, std::move(text)};
}

// The same, of a part of what was looked at: "part: text".
inline Result in(const char* part, Result result) {
  if (!result.ok()) {
    result.text = std::string(part) + ": " + result.text;
  }
  return result;
}

class StatusError : public std::runtime_error {
 public:
  StatusError(proc_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  proc_status status() const { return status_; }

 private:
  proc_status status_;
};

}  // namespace agones::plugin

// A step that fails is the result of all.
#define PROC_TRY(step)                                          \
  if (agones::plugin::Result result_ = (step); !result_.ok()) { \
    return result_;                                             \
  }
