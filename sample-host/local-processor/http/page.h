// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace agones::local {

// page.html; the build puts it into the program.
extern const char kPage[];

}  // namespace agones::local
