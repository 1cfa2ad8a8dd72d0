// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string>

#include "agones/library.hpp"

namespace agones {

// Throws LibraryError (kNotTrusted) if somebody who is neither root nor this user could have put something else in the
// file's place: in a folder on the way to it, up to the root, or on that which a link leads to. `file` is the opened file's.
void check_trust(const std::string& path, const struct stat& file, const LoadOptions& options);

}  // namespace agones
