// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace agones::plugin {

class NotifyFd {
 public:
  explicit NotifyFd(int /*fd*/) {}
  void set() const noexcept {}
};

}  // namespace agones::plugin
