// SPDX-License-Identifier: Apache-2.0
// Whether a file is a plugin that a host can use, in plain words on stdout.
#pragma once

#include <string>

namespace check {

bool check_plugin(const std::string& named);

}  // namespace check
