// SPDX-License-Identifier: Apache-2.0
// Turns what waits in the event queue into proc_event and proc_log views. Used by one poller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "session/event_queue.h"
#include "session/request_ids.h"
#include "wire/response.h"

namespace agones::plugin {

class EventReader {
 public:
  EventReader(EventQueue& queue, RequestIds& ids) : queue_(queue), ids_(ids) {}
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // What next() found; the views in it point into this reader until release().
  struct Item {
    proc_event event{};
    proc_log log{};  // of an event of type PROC_EVENT_LOG
    bool is_result = false;
    std::uint64_t number = 0;  // the request's, see RequestIds
  };

  bool next(Item& item);
  // The item that next() found last was not handed out: the next one is this one again.
  void put_back(const Item& item) { put_back_ = item; }
  // Whether next() would find something now.
  bool more() { return put_back_ || find(); }

  // What the items since the last release() point to may go.
  void release();

 private:
  // Makes next_event_ one that has something to hand out.
  bool find();
  // The next event leaves the list and stays until release().
  const QueuedEvent& keep_next();
  void read(const Completion& completion, Item& item);
  void read_result(const Completion& completion, Item& item);
  static void read(const ConnectionStatus& status, Item& item);
  void read(const LogLine& line, Item& item);
  ResponseParts& next_parts();

  EventQueue& queue_;
  RequestIds& ids_;
  std::optional<Item> put_back_;
  QueuedEvent* next_event_ = nullptr;  // and what follows it: owned
  std::size_t next_completion_ = 0;
  std::uint64_t last_state_ = 0;
  // Events that were read and may still be looked at, and what proc_event points to beside them.
  std::vector<std::unique_ptr<QueuedEvent>> read_events_;
  std::deque<ResponseParts> parts_;
  std::size_t parts_used_ = 0;
};

}  // namespace agones::plugin
