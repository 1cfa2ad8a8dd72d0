// SPDX-License-Identifier: Apache-2.0
// A request from text: an AllocationRequest in JSON or YAML, or a GameServerAllocation of Kubernetes.
#pragma once

#include <allocation/allocation.pb.h>

#include <string>

#include "manifest/documents.h"

namespace agones::local {

// Throws std::runtime_error that names what is wrong.
allocation::AllocationRequest request_from(const manifest::Tree& document);
// JSON as it is, or a file's one document.
allocation::AllocationRequest request_from_text_or_file(const std::string& text_or_path);

}  // namespace agones::local
