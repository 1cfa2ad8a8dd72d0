// SPDX-License-Identifier: Apache-2.0
// How long a connection to one address may be silent before it is pinged. A server bears only so many pings a minute; one
// that finds them too many says so and ends the connection. A new connection must not begin with the same. Pure.
#pragma once

#include "base/time.h"

namespace agones::plugin {

class Keepalive {
 public:
  explicit Keepalive(milliseconds time) : time_(time) {}

  milliseconds time() const { return time_; }

  // A connection was ended for too many pings: from now on there is twice the time between them.
  void too_many();

 private:
  // A peer that vanished is still to be noticed.
  static constexpr milliseconds kLongest{600'000};

  milliseconds time_;
};

}  // namespace agones::plugin
