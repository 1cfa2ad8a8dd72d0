// SPDX-License-Identifier: Apache-2.0
#include "wire/health.h"

#include "wire/field_numbers.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace agones::plugin {

namespace {

constexpr std::int32_t kServing = 1;  // HealthCheckResponse.ServingStatus

}  // namespace

std::string encode_health_request(std::string_view service) {
  std::string bytes;
  append_bytes_field(bytes, field_number::health_check_request::kService, service);
  return bytes;
}

std::optional<bool> decode_serving(std::string_view response) {
  std::int32_t status = 0;
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.number == field_number::health_check_response::kStatus && field.type == WireType::kVarint) {
      status = static_cast<std::int32_t>(field.varint);
    }
  }
  return reader.ok() ? std::optional(status == kServing) : std::nullopt;
}

}  // namespace agones::plugin
