// SPDX-License-Identifier: Apache-2.0
#include "session/event_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "text/utf8.h"

namespace agones::plugin {

namespace {

constexpr std::size_t kLongestMessage = 65'536;

}  // namespace

EventReader::~EventReader() {
  while (next_event_ != nullptr) {
    const std::unique_ptr<QueuedEvent> event(next_event_);
    next_event_ = next_event_->next;
  }
}

const QueuedEvent& EventReader::keep_next() {
  // Room first: an event that leaves the list must not be lost.
  if (read_events_.size() == read_events_.capacity()) {
    read_events_.reserve(2 * read_events_.size() + 16);
  }
  read_events_.emplace_back(next_event_);
  next_event_ = next_event_->next;
  return *read_events_.back();
}

bool EventReader::find() {
  while (true) {
    if (next_event_ == nullptr) {
      next_event_ = queue_.take();
      if (next_event_ == nullptr) {
        return false;
      }
    }
    switch (next_event_->kind) {
      case QueuedEvent::Kind::kCompletions:
      case QueuedEvent::Kind::kHandedOver:
        if (next_completion_ < static_cast<const CompletionBlock*>(next_event_)->items.size()) {
          return true;
        }
        break;
      case QueuedEvent::Kind::kState:
        if (static_cast<const StateChange*>(next_event_)->number > last_state_) {
          return true;
        }
        break;
      case QueuedEvent::Kind::kLog:
        return true;
    }
    keep_next();
    next_completion_ = 0;  // not before: without memory the block stays where it is, and all of it was handed out
  }
}

bool EventReader::next(Item& item) {
  if (put_back_) {
    item = *put_back_;
    put_back_.reset();
    return true;
  }
  if (!find()) {
    return false;
  }
  item.event = proc_event{};
  item.event.struct_size = sizeof(proc_event);
  item.is_result = false;
  item.number = 0;
  switch (next_event_->kind) {
    case QueuedEvent::Kind::kCompletions:
    case QueuedEvent::Kind::kHandedOver:
      read(static_cast<const CompletionBlock*>(next_event_)->items[next_completion_], item);
      ++next_completion_;
      break;
    case QueuedEvent::Kind::kState: {
      const auto& change = static_cast<const StateChange&>(keep_next());
      last_state_ = change.number;
      read(change.status, item);
      break;
    }
    case QueuedEvent::Kind::kLog:
      read(static_cast<const LogLine&>(keep_next()), item);
      break;
  }
  return true;
}

void EventReader::release() {
  if (put_back_) {
    return;
  }
  for (const auto& event : read_events_) {
    if (event->kind == QueuedEvent::Kind::kCompletions || event->kind == QueuedEvent::Kind::kHandedOver) {
      queue_.polled(static_cast<const CompletionBlock&>(*event));
    }
  }
  // The memory of an unusually long list, or of an answer of unusually many parts, is not kept.
  constexpr std::size_t kKept = 1024;
  if (read_events_.capacity() > kKept) {
    std::vector<std::unique_ptr<QueuedEvent>>().swap(read_events_);
  }
  if (parts_.size() > kKept) {
    parts_.clear();
  }
  for (ResponseParts& parts : parts_) {
    if (parts.ports.capacity() + parts.addresses.capacity() > kKept) {
      parts = ResponseParts();
    }
  }
  read_events_.clear();
  parts_used_ = 0;
}

ResponseParts& EventReader::next_parts() {
  if (parts_used_ == parts_.size()) {
    parts_.emplace_back();
  }
  ResponseParts& parts = parts_[parts_used_];
  parts.clear();
  ++parts_used_;
  return parts;
}

void EventReader::read(const Completion& completion, Item& item) {
  proc_event& event = item.event;
  const RequestIds::Known known = ids_.known(completion.request_id);
  item.number = completion.request_id;
  event.request_id = known.id;
  event.batch_id = completion.batch_id;
  event.outcome = completion.outcome;
  event.delivery = completion.delivery;
  event.code = completion.code;
  item.is_result = completion.request != nullptr;
  event.type = item.is_result ? PROC_EVENT_RESULT : PROC_EVENT_ORPHAN;
  if (item.is_result) {
    read_result(completion, item);
    event.latency_us += known.waited_us;
  }
  if (item.is_result && completion.outcome != PROC_OUTCOME_ALLOCATED) {
    event.message = to_clean_text(cut_utf8(completion.payload, kLongestMessage), next_parts());
  } else {
    read_response(completion.payload, event, next_parts());
  }
  if (completion.delivery != PROC_DELIVERY_UNKNOWN) {
    ids_.ended(completion.request_id);
  }
}

void EventReader::read_result(const Completion& completion, Item& item) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  proc_event& event = item.event;
  const Request& request = *completion.request;
  // The link's thread may have looked at the clock before the request was accepted.
  const TimePoint ended = std::max(completion.ended, request.accepted);
  event.token = request.token;
  event.traceparent = to_text(request.traceparent());
  event.latency_us = static_cast<std::uint64_t>(duration_cast<microseconds>(ended - request.accepted).count());
  if (completion.delivery == PROC_DELIVERY_NOT_SENT) {
    event.request = {request.encoded().data(), request.encoded().size()};
    const auto left = std::chrono::ceil<milliseconds>(request.deadline - ended).count();
    event.remaining_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
  }
}

void EventReader::read(const ConnectionStatus& status, Item& item) {
  item.event.type = PROC_EVENT_CONNECTION;
  item.event.connection = status.state;
  item.event.message = to_text(status.reason);
  item.event.address = to_text(status.address);
  item.event.retry_after_ms = status.retry_after_ms;
}

void EventReader::read(const LogLine& line, Item& item) {
  const LogEntry& entry = line.entry;
  std::vector<proc_field>& fields = next_parts().fields;
  for (const LogField& field : entry.fields) {
    fields.push_back({to_text(field.key), to_text(field.value)});
  }
  item.event.type = PROC_EVENT_LOG;
  item.event.severity = entry.severity;
  item.event.channel = to_text(channel_of(entry.kind));
  item.event.message = to_text(entry.message);
  item.event.request_id = ids_.known(entry.request_id).id;
  item.event.batch_id = entry.batch_id;
  item.event.kind = to_text(name_of(entry.kind));
  item.event.fields = fields.data();
  item.event.field_count = fields.size();
  item.event.traceparent = to_text(entry.traceparent);
  item.log = proc_log{};
  item.log.struct_size = sizeof(proc_log);
  item.log.severity = entry.severity;
  item.log.time_unix_ns = line.time_unix_ns;
  item.log.channel = item.event.channel;
  item.log.message = item.event.message;
  item.log.request_id = item.event.request_id;
  item.log.batch_id = entry.batch_id;
  item.log.kind = item.event.kind;
  item.log.fields = item.event.fields;
  item.log.field_count = item.event.field_count;
  item.log.traceparent = item.event.traceparent;
}

}  // namespace agones::plugin
