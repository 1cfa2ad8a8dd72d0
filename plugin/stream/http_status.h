// SPDX-License-Identifier: Apache-2.0
// What a gRPC call's end says of the other side. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agones::plugin {

// The HTTP status, "401", if it answered as an HTTP server that is no gRPC server, in gRPC's words; else empty.
std::string http_status_in(std::string_view grpc_message);

}  // namespace agones::plugin
