// SPDX-License-Identifier: Apache-2.0
// Checks a serialized allocation.AllocationRequest before it may enter a batch.
#pragma once

#include <string>
#include <string_view>

namespace agones::plugin {

// Empty if the request is good, else what is wrong and in which field. Fields that the contract does not
// know are accepted: a newer processor may know them.
std::string check_protobuf_request(std::string_view bytes);

// The part of it that concerns the namespace: empty if there is one, or if the request is for several clusters, where
// the policies name it. Any other request without one finds nothing at the processor.
std::string check_namespace(std::string_view bytes);

}  // namespace agones::plugin
