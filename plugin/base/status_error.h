// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include "agones/processor.h"

namespace agones::plugin {

// A status that crosses several calls on its way to the host.
class StatusError : public std::runtime_error {
 public:
  StatusError(proc_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  proc_status status() const { return status_; }

 private:
  proc_status status_;
};

}  // namespace agones::plugin
