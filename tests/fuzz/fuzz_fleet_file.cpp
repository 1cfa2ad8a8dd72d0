// SPDX-License-Identifier: Apache-2.0
// Fleet files of both kinds: anything is read, or refused with words.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

#include "local-processor/fleet_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const auto file = agones::local::read_fleet(text);
    if (file.servers.empty() && file.fleets.empty()) {
      std::abort();
    }
    for (const auto& server : file.servers) {
      if (server.name.empty()) {
        std::abort();
      }
    }
  } catch (const std::exception& error) {
    if (*error.what() == '\0') {
      std::abort();
    }
  }
  return 0;
}
