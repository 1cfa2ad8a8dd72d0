// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace agones {

// The file that the dynamic linker would load by this name: LD_LIBRARY_PATH, the folders of the object that this code is
// in, the linker's cache, the system's folders. Nothing is loaded, so nothing of the file runs before it is checked. Throws
// LibraryError (kNoFile).
std::string find_in_library_path(const std::string& name);

// The same for a name without a slash; a path is that file.
std::string library_file(const std::string& path);

}  // namespace agones
