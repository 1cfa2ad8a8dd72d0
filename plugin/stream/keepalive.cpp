// SPDX-License-Identifier: Apache-2.0
#include "stream/keepalive.h"

#include <algorithm>

namespace agones::plugin {

void Keepalive::too_many() {
  time_ = std::max(time_, std::min(2 * time_, kLongest));
}

}  // namespace agones::plugin
