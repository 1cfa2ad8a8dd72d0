// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace agones {

// The file that the dynamic linker finds by this name: LD_LIBRARY_PATH, its cache, the system's folders. Throws
// LibraryError (kNoFile).
std::string find_in_library_path(const std::string& name);

}  // namespace agones
