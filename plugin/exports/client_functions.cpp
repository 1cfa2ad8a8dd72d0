// SPDX-License-Identifier: Apache-2.0
// The exported functions that do the same around their work whatever is behind the client: the plugin or the host library.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "contract/border.h"
#include "contract/client.h"
#include "contract/client_table.h"
#include "contract/config_fields.h"
#include "contract/poll_budget.h"

using agones::plugin::check_struct;
using agones::plugin::Client;
using agones::plugin::clients;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::PollBudget;
using agones::plugin::Result;
using agones::plugin::with_client;

namespace {

// Of those that may still be inside a client that is to be destroyed; only a callback of the host's takes as long.
constexpr std::chrono::milliseconds kLongestCall{1'000};

// `poll(own, budget)`; what it handed out is told whether or not it failed.
template <typename Poll>
proc_status with_budget(proc_client* client, PollBudget budget, std::uint32_t* count, std::uint32_t* more, char* error,
                        std::uint64_t error_size, const Poll& poll) {
  const proc_status status = with_client(client, error, error_size, [&](Client& own) { return poll(own, budget); });
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
    return clients().add(client, [&](std::unique_ptr<Client>& made) {
      return agones::plugin::make_client(*config, agones::plugin::complete_config(*config), made);
    });
  });
}

proc_status proc_cancel(proc_client* client, std::uint64_t request_id, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) { return own.cancel(request_id); });
}

proc_status proc_poll(proc_client* client, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                      std::uint32_t* delivered, std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(max_events, max_time_us, wait_ms), delivered, more, error, error_size,
                     [&](Client& own, PollBudget& budget) { return own.poll(budget); });
}

proc_status proc_poll_json(proc_client* client, proc_json_fn* on_json, void* context, std::uint32_t max_events,
                           std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* delivered,
                           std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(max_events, max_time_us, wait_ms), delivered, more, error, error_size,
                     [&](Client& own, PollBudget& budget) {
                       return on_json == nullptr ? invalid("on_json: NULL") : own.poll_json(on_json, context, budget);
                     });
}

proc_status proc_poll_events(proc_client* client, proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                             std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* count, std::uint32_t* more,
                             char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(capacity, max_time_us, wait_ms), count, more, error, error_size,
                     [&](Client& own, PollBudget& budget) -> Result {
                       PROC_TRY(agones::plugin::check_array(events, event_size, capacity, count));
                       return own.poll_events(events, event_size, budget);
                     });
}

proc_status proc_wake(proc_client* client, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) {
    own.wake();
    return Result();
  });
}

proc_status proc_get_wakeup_fd(const proc_client* client, std::int32_t* fd, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) -> Result {
    if (fd == nullptr) {
      return invalid("fd: NULL");
    }
    *fd = own.wakeup_fd();
    return {};
  });
}

proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) { return own.drain(flags); });
}

proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, std::uint32_t max_time_us,
                           std::uint32_t* count, std::uint32_t* more, char* error, std::uint64_t error_size) {
  return with_budget(client, PollBudget::of(0, max_time_us, 0), count, more, error, error_size,
                     [&](Client& own, PollBudget& budget) {
                       return take == nullptr ? invalid("take: NULL") : own.hand_over(take, context, budget);
                     });
}

proc_status proc_shutdown(proc_client* client, std::uint32_t timeout_ms, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size,
                     [&](Client& own) { return own.shutdown(std::chrono::milliseconds(timeout_ms)); });
}

proc_status proc_destroy(proc_client* client, char* error, std::uint64_t error_size) {
  return client == nullptr ? PROC_OK
                           : guarded(error, error_size, [&] { return clients().destroy(client, kLongestCall); });
}

proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) -> Result {
    PROC_TRY(check_struct("stats", stats, agones::plugin::kStatsSize));
    own.get_stats(*stats);
    return {};
  });
}

proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error, std::uint64_t error_size) {
  return with_client(client, error, error_size, [&](Client& own) -> Result {
    PROC_TRY(check_struct("metrics", metrics, agones::plugin::kMetricsSize));
    own.get_metrics(*metrics);
    return {};
  });
}

}  // extern "C"
