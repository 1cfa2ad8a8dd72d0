// SPDX-License-Identifier: Apache-2.0
// The two messages of gRPC's health service (proto/grpc/health/v1/health.proto), of one field each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace agones::plugin {

std::string encode_health_request(std::string_view service);

// Whether a HealthCheckResponse says SERVING; nothing if it is none.
std::optional<bool> decode_serving(std::string_view response);

}  // namespace agones::plugin
