// SPDX-License-Identifier: Apache-2.0
// How long to wait before trying again. Pure: randomness comes from the seed.
#pragma once

#include <cstdint>
#include <random>

#include "base/time.h"
#include "contract/config_numbers.h"

namespace agones::plugin {

class Backoff {
 public:
  struct Config {
    milliseconds initial{default_of(config_number::reconnect_initial_ms)};
    milliseconds maximum{default_of(config_number::reconnect_max_ms)};
    std::uint32_t jitter_percent = default_of(config_number::reconnect_jitter_percent);
  };

  Backoff(const Config& config, std::uint32_t seed) : config_(config), random_(seed) {}

  // The next wait: doubled each time up to the maximum, spread by the jitter.
  Duration next();
  void reset() { failures_ = 0; }

 private:
  Config config_;
  std::minstd_rand random_;
  std::uint32_t failures_ = 0;
};

}  // namespace agones::plugin
