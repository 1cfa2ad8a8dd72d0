// SPDX-License-Identifier: Apache-2.0
// The host's proc_config, checked and in the parts' own terms.
#pragma once

#include <cstdint>
#include <string>

#include "agones/processor.h"
#include "engine/engine.h"
#include "stream/link_config.h"

namespace agones::plugin {

struct SessionConfig {
  Engine::Config engine;
  LinkConfig link;
  std::uint64_t max_pending_requests = 0;
  std::size_t max_request_bytes = 0;
  milliseconds allocation_timeout{};
  std::uint64_t first_request_id = 1;
  bool ignore_unknown_fields = false;
  int notify_fd = -1;
  proc_severity log_level = PROC_SEVERITY_OFF;
  milliseconds log_summary{};  // 0: none
  proc_event_fn* on_event = nullptr;
  void* event_context = nullptr;
  proc_log_fn* on_log = nullptr;
  void* log_context = nullptr;
};

// Fills `config`; what is wrong is told with the field's name. `raw` is complete (as long as this version's struct).
Result read_config(const proc_config& raw, SessionConfig& config);

}  // namespace agones::plugin
