// SPDX-License-Identifier: Apache-2.0
// What Roles has to do with a generation: it is there, or gone.
#pragma once

#include "orders/explorer.h"

namespace agones::host {

class Generation : public orders::Kept {
 public:
  explicit Generation(int number) : number_(number) {}
  int number() const { return number_; }

  // proc_drain, which takes care of itself.
  void drain() { drained_.store(true); }
  bool drained() const { return drained_.load(); }

 private:
  orders::Plain<int> number_;
  orders::Atomic<bool> drained_{false};
};

}  // namespace agones::host
