// SPDX-License-Identifier: Apache-2.0
// Protobuf requests: what the check accepts, Protobuf itself must accept, with a namespace or for several clusters.
#include <allocation/allocation.pb.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "request/protobuf_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (agones::plugin::check_protobuf_request(bytes).ok()) {
    allocation::AllocationRequest request;
    if (!request.ParseFromArray(data, static_cast<int>(size)) ||
        (request.namespace_().empty() && !request.multiclustersetting().enabled())) {
      std::abort();
    }
  }
  return 0;
}
