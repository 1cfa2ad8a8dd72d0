// SPDX-License-Identifier: Apache-2.0
// JSON requests: no crash, and what is accepted is a request that the protobuf check accepts as well.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "request/json_request.h"
#include "request/protobuf_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const agones::plugin::JsonRequest request({reinterpret_cast<const char*>(data), size});
  if (request.problem().empty() && !agones::plugin::check_protobuf_request(request.bytes()).empty()) {
    std::abort();
  }
  return 0;
}
