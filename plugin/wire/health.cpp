// SPDX-License-Identifier: Apache-2.0
#include "wire/health.h"

#include "wire/reader.h"
#include "wire/writer.h"

namespace agones::plugin {

namespace {

constexpr std::uint32_t kService = 1;  // HealthCheckRequest
constexpr std::uint32_t kStatus = 1;   // HealthCheckResponse
constexpr std::int32_t kServing = 1;

}  // namespace

std::string encode_health_request(std::string_view service) {
  std::string bytes;
  append_bytes_field(bytes, kService, service);
  return bytes;
}

std::optional<bool> decode_serving(std::string_view response) {
  std::int32_t status = 0;
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.number == kStatus && field.type == WireType::kVarint) {
      status = static_cast<std::int32_t>(field.varint);
    }
  }
  return reader.ok() ? std::optional(status == kServing) : std::nullopt;
}

}  // namespace agones::plugin
