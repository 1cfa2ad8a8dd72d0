// SPDX-License-Identifier: Apache-2.0
// Checks a serialized allocation.AllocationRequest before it may enter a batch.
#pragma once

#include <string_view>

#include "base/result.h"

namespace agones::plugin {

// What is wrong is told with the field's path. Fields that the contract does not know are accepted: a newer processor may
// know them.
Result check_protobuf_request(std::string_view bytes);

// The part of it that concerns the namespace: there is to be one, unless the request is for several clusters, where the
// policies name it. Any other request without one finds nothing at the processor.
Result check_namespace(std::string_view bytes);

}  // namespace agones::plugin
