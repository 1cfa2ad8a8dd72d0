// SPDX-License-Identifier: Apache-2.0
// What Kubernetes takes as the key and the value of a label, and its words for what it does not take.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agones::local {

// Each why it is bad; none if it is good.
std::vector<std::string> problems_of_label_key(std::string_view key);
std::vector<std::string> problems_of_label_value(std::string_view value);
// Keys of annotations may have capitals before the slash, too.
std::vector<std::string> problems_of_annotation_key(std::string_view key);

}  // namespace agones::local
