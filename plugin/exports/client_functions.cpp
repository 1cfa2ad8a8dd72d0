// SPDX-License-Identifier: Apache-2.0
// The exported functions that do the same around their work whatever is behind the client: the plugin or the host library.
#include <chrono>
#include <string>

#include "contract/border.h"
#include "contract/client.h"
#include "contract/config_fields.h"
#include "contract/poll_budget.h"

using agones::plugin::check_struct;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::PollBudget;
using agones::plugin::Result;
using agones::plugin::with_client;

namespace {

// `poll(budget)`; what it handed out is told whether or not it failed.
template <typename Poll>
proc_status with_budget(proc_client* client, PollBudget budget, std::uint32_t* count, std::uint32_t* more, char* error,
                        std::uint64_t error_size, const Poll& poll) {
  const proc_status status = with_client(client, error, error_size, [&] { return poll(budget); });
  budget.report(count, more);
  return status;
}

}  // namespace

extern "C" {

proc_status proc_init(const proc_config* config, proc_client** client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(agones::plugin::check_init(config, client));
    if (agones::plugin::forked_with_clients()) {
      return {PROC_ERR_FORKED,
              "the process was forked from one that has a client; load the library after fork, or exec"};
    }
    return agones::plugin::make_client(*config, agones::plugin::complete_config(*config), client);
  });
}

proc_status proc_cancel(proc_client* client, std::uint64_t request_id, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&] { return client->cancel(request_id); });
}

proc_status proc_poll(proc_client* client, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                      std::uint32_t* delivered, std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(max_events, max_time_us, wait_ms), delivered, more, error, error_size,
                     [&](PollBudget& budget) { return client->poll(budget); });
}

proc_status proc_poll_json(proc_client* client, proc_json_fn* on_json, void* context, std::uint32_t max_events,
                           std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* delivered,
                           std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(max_events, max_time_us, wait_ms), delivered, more, error, error_size,
                     [&](PollBudget& budget) {
                       return on_json == nullptr ? invalid("on_json: NULL")
                                                 : client->poll_json(on_json, context, budget);
                     });
}

proc_status proc_poll_events(proc_client* client, proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                             std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* count, std::uint32_t* more,
                             char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(capacity, max_time_us, wait_ms), count, more, error, error_size,
                     [&](PollBudget& budget) -> Result {
                       PROC_TRY(agones::plugin::check_array(events, event_size, capacity, count));
                       return client->poll_events(events, event_size, budget);
                     });
}

proc_status proc_wake(proc_client* client, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&] {
    client->wake();
    return Result();
  });
}

proc_status proc_get_wakeup_fd(const proc_client* client, std::int32_t* fd, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&]() -> Result {
    if (fd == nullptr) {
      return invalid("fd: NULL");
    }
    *fd = client->wakeup_fd();
    return {};
  });
}

proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&] { return client->drain(flags); });
}

proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, std::uint32_t max_time_us,
                           std::uint32_t* count, std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(0, max_time_us, 0), count, more, error, error_size,
                     [&](PollBudget& budget) {
                       return take == nullptr ? invalid("take: NULL") : client->hand_over(take, context, budget);
                     });
}

proc_status proc_shutdown(proc_client* client, std::uint32_t timeout_ms, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size,
                     [&] { return client->shutdown(std::chrono::milliseconds(timeout_ms)); });
}

proc_status proc_destroy(proc_client* client, char* error, std::uint64_t error_size) {
  if (client == nullptr) {
    return PROC_OK;
  }
  return with_client(client, error, error_size, [&]() -> Result {
    PROC_TRY(client->may_destroy());
    delete client;
    return {};
  });
}

proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&]() -> Result {
    PROC_TRY(check_struct("stats", stats, agones::plugin::kStatsSize));
    client->get_stats(*stats);
    return {};
  });
}

proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&]() -> Result {
    PROC_TRY(check_struct("metrics", metrics, agones::plugin::kMetricsSize));
    client->get_metrics(*metrics);
    return {};
  });
}

}  // extern "C"
