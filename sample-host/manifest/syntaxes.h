// SPDX-License-Identifier: Apache-2.0
// The two syntaxes, for read_documents().
#pragma once

#include <string>
#include <vector>

#include "manifest/documents.h"

namespace agones::manifest {

std::vector<Tree> read_yaml(const std::string& text);
// Values one after another; lines with "---" between them are passed over.
std::vector<Tree> read_json(const std::string& text);

}  // namespace agones::manifest
