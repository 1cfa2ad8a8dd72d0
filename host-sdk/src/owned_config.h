// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <agones/processor.h>

#include <array>
#include <string>

namespace agones {

// A proc_config that owns its texts.
class OwnedConfig {
 public:
  explicit OwnedConfig(const proc_config& config);
  OwnedConfig(const OwnedConfig&) = delete;
  OwnedConfig& operator=(const OwnedConfig&) = delete;

  const proc_config& get() const { return config_; }

 private:
  proc_config config_;
  std::array<std::string, 9> texts_;
};

}  // namespace agones
