// SPDX-License-Identifier: Apache-2.0
// The request in a file that a user has: an AllocationRequest, or a GameServerAllocation of Kubernetes, maybe among other objects.
#pragma once

#include <string>

#include "manifest/documents.h"

namespace agones::manifest {

// The one request in a text of YAML or JSON. Objects of other kinds beside it, and in lists, are passed over. Throws
// std::runtime_error that says what is wrong.
Tree request_document(const std::string& text);

// Whether it is an object of Kubernetes.
bool is_manifest(const Tree& document);

}  // namespace agones::manifest
