// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agones {

// The files that the dynamic linker's cache (/etc/ld.so.cache, as ldconfig writes it) has under this name for this
// machine, without those for certain processors alone. Empty if the cache is none.
std::vector<std::string> find_in_linker_cache(std::string_view cache, std::string_view name);

}  // namespace agones
