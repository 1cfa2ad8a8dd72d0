// SPDX-License-Identifier: Apache-2.0
// A request as proto3 JSON, the body of agones-allocator's REST endpoint, turned into protobuf.
#pragma once

#include <string>
#include <string_view>

namespace agones::plugin {

struct JsonRequest {
  std::string bytes;    // a serialized allocation.AllocationRequest
  std::string problem;  // not empty: what is wrong and in which field; bytes is then not to be used
};

JsonRequest parse_json_request(std::string_view json);

}  // namespace agones::plugin
