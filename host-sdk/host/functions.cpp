// SPDX-License-Identifier: Apache-2.0
// The host library's exported functions: those of agones/processor.h, passed on to a plugin, and those of
// agones/processor_swap.h. Those that need no client are in plugin/exports/stateless.cpp.
#include <cxxabi.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>

#include "agones/processor_layout.h"
#include "contract/border.h"
#include "contract/config_fields.h"
#include "host/host.h"
#include "host/shared_plugins.h"
#include "request/event_json.h"
#include "request/json_text.h"

using agones::host::Generation;
using agones::host::Host;
using agones::host::Roles;
using agones::host::Swap;
using agones::plugin::check_client;
using agones::plugin::check_struct;
using agones::plugin::copy_text;
using agones::plugin::guarded;
using agones::plugin::invalid;
using agones::plugin::PollBudget;
using agones::plugin::Result;

struct proc_client {
  explicit proc_client(const proc_config& config) : host(config) {}
  bool in_forked_child() const { return host.in_forked_child(); }
  Host host;
};

namespace {

constexpr std::uint32_t kSwapReportSize = offsetof(proc_swap_report, error) + sizeof(proc_swap_report::error);

proc_status status_of(const agones::LibraryError& error) {
  return error.kind() == agones::LibraryError::Kind::kWrongVersion ? PROC_ERR_VERSION : PROC_ERR_INVALID_ARGUMENT;
}

// For what needs no more than the plugin that takes new requests. Nothing here throws but what the plugin's own function
// would, and the checks in front are two reads.
template <typename Call>
proc_status pass_on(const proc_client* client, char* error, std::uint64_t error_size, const Call& call) {
  if (client == nullptr || client->in_forked_child()) {
    return guarded(error, error_size, [&] { return check_client(client); });
  }
  const Roles::Visit current = client->host.current();
  return call(current->api(), current->client());
}

// A poll function of the plugin's, with the arguments that are its own, and what takes an event of the host library's.
template <typename Function, typename Give>
class PollWith : public Host::Source {
 public:
  PollWith(const Function& function, const Give& give) : function_(function), give_(give) {}
  proc_status poll(Generation& generation, const Limits& limits, std::uint32_t& delivered, std::uint32_t& more,
                   char* error, std::uint64_t error_size) override {
    return function_(generation, limits, delivered, more, error, error_size);
  }
  void give(const proc_event& event) override { give_(event); }

 private:
  const Function& function_;
  const Give& give_;
};

template <typename Function, typename Give>
Result poll_with(Host& host, PollBudget& budget, const Function& function, const Give& give) {
  PollWith<Function, Give> source(function, give);
  return host.poll(source, budget);
}

// As the plugin calls the host's functions: what they throw ends here.
template <typename Callback>
void call_host(const Callback& callback) {
  try {
    callback();
  } catch (abi::__forced_unwind&) {
    throw;         // the host cancels its own thread
  } catch (...) {  // NOLINT(bugprone-empty-catch): the event was handed out
  }
}

// The host's function for JSON, with what is to be noted of it.
struct JsonReceiver {
  proc_json_fn* on_json;
  void* context;
  agones::host::ConnectionTold* told;

  static void receive(void* self, const char* json, std::uint64_t size) {
    const auto& receiver = *static_cast<JsonReceiver*>(self);
    receiver.told->note({json, size});
    receiver.on_json(receiver.context, json, size);
  }
};

}  // namespace

extern "C" {

proc_status proc_init(const proc_config* config, proc_client** client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(agones::plugin::check_init(config, client));
    if (agones::host::forked_with_clients()) {
      return agones::plugin::forked_before_init();
    }
    const proc_config complete = agones::plugin::complete_config(*config);
    if (std::string problem = agones::plugin::check_config(complete); !problem.empty()) {
      return invalid(std::move(problem));
    }
    try {
      *client = new proc_client(*config);
      return {};
    } catch (const agones::LibraryError& fault) {
      return {status_of(fault), fault.what()};
    }
  });
}

proc_status proc_allocate(proc_client* client, proc_format format, const void* body, std::uint64_t size,
                          std::uint32_t timeout_ms, std::uint64_t token, std::uint64_t* request_id, char* error,
                          std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.allocate(plugin, format, body, size, timeout_ms, token, request_id, error, error_size);
  });
}

proc_status proc_allocate_request(proc_client* client, const proc_request* request, std::uint64_t* request_id,
                                  char* error, std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.allocate_request(plugin, request, request_id, error, error_size);
  });
}

proc_status proc_cancel(proc_client* client, std::uint64_t request_id, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->host.cancel(request_id);
  });
}

proc_status proc_poll(proc_client* client, std::uint32_t max_events, std::uint32_t max_time_us, std::int32_t wait_ms,
                      std::uint32_t* delivered, std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(max_events, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    Host& host = client->host;
    if (host.config().on_event == nullptr) {
      return invalid("on_event: not set; use proc_poll_events or proc_poll_json");
    }
    return poll_with(
        host, budget,
        [](Generation& generation, const Host::Source::Limits& limits, std::uint32_t& count, std::uint32_t& rest,
           char* text, std::uint64_t size) {
          return generation.api().poll(generation.client(), limits.max_events, limits.max_time_us, limits.wait_ms,
                                       &count, &rest, text, size);
        },
        [&](const proc_event& event) {
          call_host([&] { host.config().on_event(host.config().event_context, &event); });
        });
  });
  budget.report(delivered, more);
  return status;
}

proc_status proc_poll_json(proc_client* client, proc_json_fn* on_json, void* context, std::uint32_t max_events,
                           std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* delivered,
                           std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(max_events, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (on_json == nullptr) {
      return invalid("on_json: NULL");
    }
    return poll_with(
        client->host, budget,
        [&](Generation& generation, const Host::Source::Limits& limits, std::uint32_t& count, std::uint32_t& rest,
            char* text, std::uint64_t size) {
          JsonReceiver receiver{on_json, context, &generation.told()};
          return generation.api().poll_json(generation.client(), &JsonReceiver::receive, &receiver, limits.max_events,
                                            limits.max_time_us, limits.wait_ms, &count, &rest, text, size);
        },
        [&](const proc_event& event) {
          agones::plugin::JsonText json;
          agones::plugin::write_event(event, json);
          call_host([&] { on_json(context, json.view().data(), json.view().size()); });
        });
  });
  budget.report(delivered, more);
  return status;
}

proc_status proc_poll_events(proc_client* client, proc_event* events, std::uint32_t event_size, std::uint32_t capacity,
                             std::uint32_t max_time_us, std::int32_t wait_ms, std::uint32_t* count, std::uint32_t* more,
                             char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(capacity, max_time_us, wait_ms);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(agones::plugin::check_array(events, event_size, capacity, count));
    auto* out = reinterpret_cast<char*>(events);
    const auto event_at = [&](std::uint32_t place) {
      return reinterpret_cast<proc_event*>(out + std::size_t{place} * event_size);
    };
    return poll_with(
        client->host, budget,
        [&](Generation& generation, const Host::Source::Limits& limits, std::uint32_t& filled, std::uint32_t& rest,
            char* text, std::uint64_t size) {
          const proc_status polled = generation.api().poll_events(generation.client(), event_at(budget.delivered),
                                                                  event_size, limits.max_events, limits.max_time_us,
                                                                  limits.wait_ms, &filled, &rest, text, size);
          for (std::uint32_t i = 0; i < filled; ++i) {
            generation.told().note(*event_at(budget.delivered + i));
          }
          return polled;
        },
        [&](proc_event event) {
          event.struct_size = std::min<std::uint32_t>(event_size, sizeof(proc_event));
          agones::plugin::give_struct(event, event_at(budget.delivered), event_size);
        });
  });
  budget.report(count, more);
  return status;
}

proc_status proc_wake(proc_client* client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    client->host.wake();
    return {};
  });
}

proc_status proc_get_wakeup_fd(const proc_client* client, std::int32_t* fd, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (fd == nullptr) {
      return invalid("fd: NULL");
    }
    *fd = client->host.wakeup_fd();
    return {};
  });
}

proc_status proc_drain(proc_client* client, proc_drain_flags flags, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->host.drain(flags);
  });
}

proc_status proc_hand_over(proc_client* client, proc_take_fn* take, void* context, std::uint32_t max_time_us,
                           std::uint32_t* count, std::uint32_t* more, char* error, std::uint64_t error_size) {
  PollBudget budget = PollBudget::of(0, max_time_us, 0);
  const proc_status status = guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->host.hand_over(take, context, budget);
  });
  budget.report(count, more);
  return status;
}

proc_status proc_take_over(proc_client* client, const proc_moved_request* request, char* error,
                           std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.take_over(plugin, request, error, error_size);
  });
}

proc_status proc_shutdown(proc_client* client, std::uint32_t timeout_ms, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    return client->host.shutdown(std::chrono::milliseconds(timeout_ms));
  });
}

proc_status proc_destroy(proc_client* client, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    if (client == nullptr) {
      return {};
    }
    PROC_TRY(check_client(client));
    PROC_TRY(client->host.may_destroy());
    delete client;
    return {};
  });
}

proc_status proc_get_stats(const proc_client* client, proc_stats* stats, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("stats", stats, agones::plugin::kStatsSize));
    client->host.swap().get_stats(*stats);
    return {};
  });
}

proc_status proc_get_metrics(const proc_client* client, proc_metrics* metrics, char* error, std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("metrics", metrics, agones::plugin::kMetricsSize));
    client->host.swap().get_metrics(*metrics);
    return {};
  });
}

proc_status proc_get_connection(const proc_client* client, proc_connection_state* state, char* reason,
                                std::uint64_t reason_size, char* error, std::uint64_t error_size) {
  return pass_on(client, error, error_size, [&](const agones::LibraryApi& api, proc_client* plugin) {
    return api.get_connection(plugin, state, reason, reason_size, error, error_size);
  });
}

proc_unload_state proc_get_unload_state(char* reason, std::uint64_t reason_size) {
  const int clients = agones::host::clients();
  try {
    std::string holds;
    if (clients != 0) {
      holds = std::to_string(clients) + " client" + (clients == 1 ? " is" : "s are") + " not destroyed";
    }
    copy_text(holds, reason, reason_size);
  } catch (const std::exception&) {
    copy_text("", reason, reason_size);
  }
  return clients == 0 ? PROC_UNLOAD_SAFE : PROC_UNLOAD_BUSY;
}

proc_status proc_swap(proc_client* client, const char* file, const char* sha256, char* error,
                      std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    if (file == nullptr || *file == '\0') {
      return invalid(file == nullptr ? "file: NULL" : "file: empty");
    }
    return client->host.start_swap(file, sha256 != nullptr ? sha256 : "");
  });
}

proc_status proc_get_swap_report(const proc_client* client, proc_swap_report* report, char* error,
                                 std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    PROC_TRY(check_struct("report", report, kSwapReportSize));
    const Swap::Report now = client->host.swap().report();
    proc_swap_report filled{};
    filled.struct_size = report->struct_size;
    filled.state = now.state;
    copy_text(now.from_version, filled.from_version, sizeof(filled.from_version));
    copy_text(now.to_version, filled.to_version, sizeof(filled.to_version));
    filled.moved = now.moved;
    filled.drained = now.drained;
    filled.longest_gap_us = static_cast<std::uint64_t>(now.longest_gap.count());
    filled.unloaded = now.unloaded ? 1 : 0;
    copy_text(now.error, filled.error, sizeof(filled.error));
    agones::plugin::give_struct(filled, report, report->struct_size);
    return {};
  });
}

proc_status proc_get_plugin_version(const proc_client* client, char* version, std::uint64_t size, char* error,
                                    std::uint64_t error_size) {
  return guarded(error, error_size, [&]() -> Result {
    PROC_TRY(check_client(client));
    copy_text(client->host.current()->version(), version, size);
    return {};
  });
}

}  // extern "C"
