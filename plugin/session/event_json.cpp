// SPDX-License-Identifier: Apache-2.0
#include "session/event_json.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "abi/names.h"
#include "request/json_message.h"

namespace agones::plugin {

namespace {

// What is empty or 0 is left out.
void add(Json& json, const char* name, const proc_text& text) {
  if (text.size != 0) {
    json[name] = std::string_view(text.data, text.size);
  }
}

void add(Json& json, const char* name, std::int64_t number) {
  if (number != 0) {
    json[name] = number;
  }
}

void add_id(Json& json, const char* name, std::uint64_t id) {
  if (id != 0) {
    json[name] = id;
  }
}

void add(Json& json, const char* name, const proc_bytes& bytes, const MessageSchema& schema) {
  if (bytes.size == 0) {
    return;
  }
  if (auto message = message_to_json({static_cast<const char*>(bytes.data), bytes.size}, schema)) {
    json[name] = std::move(*message);
  }
}

void add_result(Json& json, const proc_event& event) {
  json["requestId"] = event.request_id;
  json["token"] = event.token;
  json["outcome"] = outcome_name(event.outcome);
  json["delivery"] = delivery_name(event.delivery);
  add(json, "code", event.code);
  add_id(json, "batchId", event.batch_id);
  add(json, "message", event.message);
  json["latencyUs"] = event.latency_us;
  add(json, "gameServer", event.response, allocation_response_schema());
  add(json, "request", event.request, allocation_request_schema());
  add(json, "remainingMs", event.remaining_ms);
}

}  // namespace

std::string event_to_json(const proc_event& event) {
  Json json{{"type", event_type_name(event.type)}};
  switch (event.type) {
    case PROC_EVENT_RESULT:
      add_result(json, event);
      break;
    case PROC_EVENT_ORPHAN:
      add_id(json, "requestId", event.request_id);
      add_id(json, "batchId", event.batch_id);
      add(json, "gameServer", event.response, allocation_response_schema());
      break;
    case PROC_EVENT_CONNECTION:
      json["connection"] = connection_name(event.connection);
      add(json, "message", event.message);
      add(json, "address", event.address);
      add(json, "retryAfterMs", event.retry_after_ms);
      break;
    default:
      json["severity"] = severity_name(event.severity);
      add(json, "channel", event.channel);
      add(json, "message", event.message);
      add_id(json, "requestId", event.request_id);
      add_id(json, "batchId", event.batch_id);
  }
  return to_text(json);
}

}  // namespace agones::plugin
