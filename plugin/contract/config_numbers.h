// SPDX-License-Identifier: Apache-2.0
// The numbers of config_table.inc by their fields' names, for whoever needs them when it is compiled.
#pragma once

#include <cstdint>

#include "agones/processor.h"

namespace agones::plugin {

struct ConfigNumber {
  std::int64_t least;
  std::int64_t most;
  std::int64_t preset;
};

// Named as the fields are.
namespace config_number {
#define AGONES_CONFIG_FIELD(name, kind, least, most, preset) inline constexpr ConfigNumber name{least, most, preset};
#include "contract/config_table.inc"
#undef AGONES_CONFIG_FIELD
}  // namespace config_number

constexpr std::uint32_t default_of(const ConfigNumber& number) {
  return static_cast<std::uint32_t>(number.preset);
}
constexpr std::uint32_t most_of(const ConfigNumber& number) {
  return static_cast<std::uint32_t>(number.most);
}

}  // namespace agones::plugin
