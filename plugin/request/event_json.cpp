// SPDX-License-Identifier: Apache-2.0
#include "request/event_json.h"

#include <cstdint>
#include <string_view>

#include "contract/names.h"
#include "request/json_message.h"

namespace agones::plugin {

namespace {

// What is empty or 0 is left out.
class Members {
 public:
  explicit Members(JsonText& json) : json_(json) { json_.begin_object(); }
  ~Members() { json_.end_object(); }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  void name(const char* member, const char* value) {
    json_.key(member);
    json_.text(value);
  }
  void always(const char* member, std::uint64_t value) {
    json_.key(member);
    json_.number(value);
  }
  void add(const char* member, const proc_text& text) {
    if (text.size != 0) {
      json_.key(member);
      json_.text({text.data, text.size});
    }
  }
  void add(const char* member, std::uint64_t value) {
    if (value != 0) {
      always(member, value);
    }
  }
  void add_signed(const char* member, std::int64_t value) {
    if (value != 0) {
      json_.key(member);
      json_.number(value);
    }
  }
  void add(const char* member, const proc_field* fields, std::uint64_t count) {
    if (count == 0) {
      return;
    }
    json_.key(member);
    json_.begin_object();
    for (std::uint64_t i = 0; i < count; ++i) {
      json_.key({fields[i].key.data, fields[i].key.size});
      json_.text({fields[i].value.data, fields[i].value.size});
    }
    json_.end_object();
  }
  void add(const char* member, const proc_bytes& bytes, const MessageSchema& schema) {
    const std::string_view message(static_cast<const char*>(bytes.data), bytes.size);
    if (!message.empty() && is_message(message, schema)) {
      json_.key(member);
      write_message(message, schema, json_);
    }
  }

 private:
  JsonText& json_;
};

void add_result(const proc_event& event, Members& members) {
  members.always("requestId", event.request_id);
  members.always("token", event.token);
  members.name("outcome", outcome_name(event.outcome));
  members.name("delivery", delivery_name(event.delivery));
  members.add_signed("code", event.code);
  members.add("batchId", event.batch_id);
  members.add("message", event.message);
  members.always("latencyUs", event.latency_us);
  members.add("gameServer", event.response, allocation_response_schema());
  members.add("request", event.request, allocation_request_schema());
  members.add("remainingMs", event.remaining_ms);
  members.add("traceparent", event.traceparent);
}

}  // namespace

void write_event(const proc_event& event, JsonText& json) {
  Members members(json);
  members.name("type", event_type_name(event.type));
  switch (static_cast<proc_event_type_values>(event.type)) {
    case PROC_EVENT_RESULT:
      add_result(event, members);
      break;
    case PROC_EVENT_ORPHAN:
      members.add("requestId", event.request_id);
      members.add("batchId", event.batch_id);
      members.add("gameServer", event.response, allocation_response_schema());
      break;
    case PROC_EVENT_CONNECTION:
      members.name("connection", connection_name(event.connection));
      members.add("message", event.message);
      members.add("address", event.address);
      members.add("retryAfterMs", event.retry_after_ms);
      break;
    case PROC_EVENT_LOG:
      members.name("severity", severity_name(event.severity));
      members.add("channel", event.channel);
      members.add("kind", event.kind);
      members.add("message", event.message);
      members.add("requestId", event.request_id);
      members.add("batchId", event.batch_id);
      members.add("traceparent", event.traceparent);
      members.add("fields", event.fields, event.field_count);
      break;
  }
}

}  // namespace agones::plugin
