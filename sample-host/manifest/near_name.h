// SPDX-License-Identifier: Apache-2.0
// Which name was meant by one that nobody knows. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace agones::manifest {

// The one of `known` that differs in few letters; empty: none.
std::string near_name(std::string_view name, std::initializer_list<const char*> known);

}  // namespace agones::manifest
