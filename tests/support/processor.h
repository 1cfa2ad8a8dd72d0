// SPDX-License-Identifier: Apache-2.0
// Local processors for tests: quick pulls, loopback, a port that the system picks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "local-processor/local_processor.h"

namespace agones::test {

inline local::LocalProcessorOptions quick_options() {
  local::LocalProcessorOptions options;
  options.pull_interval = std::chrono::milliseconds(10);
  return options;
}

// Answers wait until set_faults() says otherwise.
inline local::Faults answers_held_back() {
  local::Faults faults;
  faults.latency = std::chrono::hours(1);
  return faults;
}

// To begin with, so that what is submitted until set_faults(faults) goes out in one pull.
inline local::Faults without_pulls(local::Faults faults) {
  faults.stop_pulling = true;
  return faults;
}

inline std::shared_ptr<local::Fleet> fleet_of(std::size_t count) {
  return std::make_shared<local::Fleet>(local::make_servers(count));
}

inline std::vector<std::string> names_in(const local::LocalProcessor& processor) {
  std::vector<std::string> names;
  for (const local::LedgerEntry& entry : processor.ledger()) {
    names.push_back(entry.game_server);
  }
  return names;
}

}  // namespace agones::test
