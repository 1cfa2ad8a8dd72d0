// SPDX-License-Identifier: Apache-2.0
// Tells a forked child from the process that made the guard, for the price of one memory read: the page
// is wiped by the kernel in the child (MADV_WIPEONFORK).
#pragma once

namespace agones::plugin {

class ForkGuard {
 public:
  // Throws std::system_error if the kernel can't do it (Linux before 4.14).
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  bool in_child() const { return *mark_ == 0; }

 private:
  const volatile int* mark_;
};

}  // namespace agones::plugin
