// SPDX-License-Identifier: Apache-2.0
// What files of Kubernetes' kind hold: YAML or JSON, one document or several, as trees. No input may crash, hang or lose a part
// of itself without a word: a key that is given twice is refused.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace agones::manifest {

using Tree = nlohmann::json;

// YAML: documents with "---" between them. JSON: values one after another, or one array of them. Empty documents are left out.
// Throws std::runtime_error that says what is wrong, and in which line.
std::vector<Tree> read_documents(const std::string& text);

}  // namespace agones::manifest
