// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace agones::host {

// The plugin's file: the configured one, else the one that AGONES_PROCESSOR_PLUGIN names, else the one in this library's
// own folder, else the one in the system's library path. Throws LibraryError, with all that was looked at.
std::string find_plugin(const std::string& configured);

}  // namespace agones::host
