// SPDX-License-Identifier: Apache-2.0
#include "session/event_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "wire/response.h"

namespace agones::plugin {

EventReader::~EventReader() {
  while (next_event_ != nullptr) {
    keep_next();
  }
}

const QueuedEvent& EventReader::keep_next() {
  read_events_.emplace_back(next_event_);
  next_event_ = next_event_->next;
  return *read_events_.back();
}

bool EventReader::next(Item& item) {
  while (true) {
    if (next_event_ == nullptr) {
      next_event_ = queue_.take();
      if (next_event_ == nullptr) {
        return false;
      }
    }
    item.event = proc_event{};
    item.event.struct_size = sizeof(proc_event);
    item.is_result = false;
    if (auto* block = std::get_if<std::unique_ptr<CompletionBlock>>(&next_event_->content)) {
      auto& completions = (*block)->items;
      if (next_completion_ < completions.size()) {
        read(completions[next_completion_++], item);
        return true;
      }
      next_completion_ = 0;
      keep_next();
      continue;
    }
    const QueuedEvent& event = keep_next();
    if (const auto* status = std::get_if<ConnectionStatus>(&event.content)) {
      read(*status, item);
    } else {
      read(std::get<LogLine>(event.content), item);
    }
    return true;
  }
}

void EventReader::release() {
  read_events_.clear();
  arrays_used_ = 0;
}

void EventReader::read(Completion& completion, Item& item) {
  proc_event& event = item.event;
  event.request_id = completion.request_id;
  event.batch_id = completion.batch_id;
  event.outcome = completion.outcome;
  event.delivery = completion.delivery;
  event.code = completion.code;
  item.is_result = completion.request != nullptr;
  event.type = item.is_result ? PROC_EVENT_RESULT : PROC_EVENT_ORPHAN;
  if (item.is_result) {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    const Request& request = *completion.request;
    event.user_data = request.user_data;
    event.latency_us = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, duration_cast<microseconds>(completion.ended - request.accepted).count()));
    if (completion.delivery == PROC_DELIVERY_NOT_SENT) {
      event.request = {request.encoded().data(), request.encoded().size()};
      const auto left = std::chrono::ceil<milliseconds>(request.deadline - completion.ended).count();
      event.remaining_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
    }
  }
  if (item.is_result && completion.outcome != PROC_OUTCOME_ALLOCATED) {
    event.message = to_text(completion.payload);
    return;
  }
  if (arrays_used_ == ports_.size()) {
    ports_.emplace_back();
    addresses_.emplace_back();
  }
  std::vector<proc_port>& ports = ports_[arrays_used_];
  std::vector<proc_address>& addresses = addresses_[arrays_used_];
  ++arrays_used_;
  ports.clear();
  addresses.clear();
  read_response(completion.payload, event, ports, addresses);
  event.ports = ports.data();
  event.addresses = addresses.data();
}

void EventReader::read(const ConnectionStatus& status, Item& item) {
  item.event.type = PROC_EVENT_CONNECTION;
  item.event.connection = status.state;
  item.event.message = to_text(status.reason);
  item.event.address = to_text(status.address);
  item.event.retry_after_ms = status.retry_after_ms;
}

void EventReader::read(const LogLine& line, Item& item) {
  item.event.type = PROC_EVENT_LOG;
  item.event.severity = line.severity;
  item.event.channel = to_text(line.channel);
  item.event.message = to_text(line.message);
  item.event.request_id = line.request_id;
  item.event.batch_id = line.batch_id;
  item.log = proc_log{};
  item.log.struct_size = sizeof(proc_log);
  item.log.severity = line.severity;
  item.log.time_unix_ns = line.time_unix_ns;
  item.log.channel = item.event.channel;
  item.log.message = item.event.message;
  item.log.request_id = line.request_id;
  item.log.batch_id = line.batch_id;
}

}  // namespace agones::plugin
