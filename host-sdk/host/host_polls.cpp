// SPDX-License-Identifier: Apache-2.0
// The three ways to poll, each passed on to the plugin's own function; the host library's own event goes the same way.
#include <cxxabi.h>

#include <algorithm>
#include <cstddef>

#include "contract/border.h"
#include "host/host.h"
#include "request/event_json.h"
#include "request/json_text.h"

namespace agones::host {

using plugin::invalid;
using plugin::PollBudget;
using plugin::Result;

namespace {

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
  ConnectionTold* told;

  static void receive(void* self, const char* json, std::uint64_t size) {
    const auto& receiver = *static_cast<JsonReceiver*>(self);
    receiver.told->note({json, size});
    receiver.on_json(receiver.context, json, size);
  }
};

}  // namespace

template <typename Function, typename Give>
Result Host::poll_with(PollBudget& budget, const Function& function, const Give& give) {
  PollWith<Function, Give> source(function, give);
  return poll_all(source, budget);
}

Result Host::poll(PollBudget& budget) {
  if (config().on_event == nullptr) {
    return invalid("on_event: not set; use proc_poll_events or proc_poll_json");
  }
  return poll_with(
      budget,
      [](Generation& generation, const Source::Limits& limits, std::uint32_t& count, std::uint32_t& more, char* error,
         std::uint64_t error_size) {
        return generation.api().poll(generation.client(), limits.max_events, limits.max_time_us, limits.wait_ms, &count,
                                     &more, error, error_size);
      },
      [&](const proc_event& event) { call_host([&] { config().on_event(config().event_context, &event); }); });
}

Result Host::poll_json(proc_json_fn* on_json, void* context, PollBudget& budget) {
  return poll_with(
      budget,
      [&](Generation& generation, const Source::Limits& limits, std::uint32_t& count, std::uint32_t& more, char* error,
          std::uint64_t error_size) {
        JsonReceiver receiver{on_json, context, &generation.told()};
        return generation.api().poll_json(generation.client(), &JsonReceiver::receive, &receiver, limits.max_events,
                                          limits.max_time_us, limits.wait_ms, &count, &more, error, error_size);
      },
      [&](const proc_event& event) {
        plugin::JsonText json;
        plugin::write_event(event, json);
        call_host([&] { on_json(context, json.view().data(), json.view().size()); });
      });
}

Result Host::poll_events(proc_event* events, std::uint32_t event_size, PollBudget& budget) {
  auto* out = reinterpret_cast<char*>(events);
  const auto event_at = [&](std::uint32_t place) {
    return reinterpret_cast<proc_event*>(out + std::size_t{place} * event_size);
  };
  return poll_with(
      budget,
      [&](Generation& generation, const Source::Limits& limits, std::uint32_t& filled, std::uint32_t& more, char* error,
          std::uint64_t error_size) {
        const proc_status polled =
            generation.api().poll_events(generation.client(), event_at(budget.delivered), event_size, limits.max_events,
                                         limits.max_time_us, limits.wait_ms, &filled, &more, error, error_size);
        for (std::uint32_t i = 0; i < filled; ++i) {
          generation.told().note(*event_at(budget.delivered + i));
        }
        return polled;
      },
      [&](proc_event event) {
        event.struct_size = std::min<std::uint32_t>(event_size, sizeof(proc_event));
        plugin::give_struct(event, event_at(budget.delivered), event_size);
      });
}

}  // namespace agones::host
