// SPDX-License-Identifier: Apache-2.0
// Puts a plugin into a folder so that a host that watches it sees the old file or the new one, never half of one.
#pragma once

#include <string>

namespace check {

// Under the file's own name. Throws std::runtime_error.
void install_plugin(const std::string& file, const std::string& folder);

}  // namespace check
