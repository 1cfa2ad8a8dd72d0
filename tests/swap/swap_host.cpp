// SPDX-License-Identifier: Apache-2.0
#include "swap/swap_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace agones::test {

namespace {

const char* named(const char* variable, const char* built) {
  const char* file = std::getenv(variable);
  return file != nullptr ? file : built;
}

}  // namespace

const char* old_plugin() {
  return named("AGONES_PLUGIN", AGONES_PLUGIN_OLD);
}

const char* new_plugin() {
  return named("AGONES_NEXT_PLUGIN", AGONES_PLUGIN_NEW);
}

using Clock = std::chrono::steady_clock;

const LibraryApi& host_library() {
  static const std::shared_ptr<Library> library = Library::load(host_library_path());
  return library->api();
}

SwapHost::SwapHost(const std::string& address, const Adjust& adjust, Form form)
    : form_(form), names_(kMostRequests), seen_(kMostRequests) {
  const std::string plugin = old_plugin();
  proc_config config;
  char error[512] = "";
  host_library().config_init(PROC_ABI_VERSION, &config, sizeof(config), error, sizeof(error));
  config.processor_address = text(address);
  config.transport = PROC_TRANSPORT_PLAINTEXT;
  config.plugin_file = text(plugin);
  config.log_level = PROC_SEVERITY_OFF;
  config.allocation_timeout_ms = 600'000;
  if (form_ == Form::kCallback) {
    config.on_event = [](void* self, const proc_event* event) { static_cast<SwapHost*>(self)->handle_event(*event); };
    config.event_context = this;
  }
  if (adjust) {
    adjust(config);
  }
  if (host_library().init(&config, &client_, error, sizeof(error)) != PROC_OK) {
    throw std::runtime_error(error);
  }
}

SwapHost::~SwapHost() {
  end();
}

void SwapHost::end() {
  if (client_ != nullptr) {
    char error[512] = "";
    EXPECT_EQ(host_library().shutdown(client_, 1000, error, sizeof(error)), PROC_OK) << error;
    poll(0);
    EXPECT_EQ(host_library().destroy(client_, error, sizeof(error)), PROC_OK) << error;
    client_ = nullptr;
  }
}

std::uint64_t SwapHost::allocate() {
  char error[512] = "";
  std::uint64_t id = 0;
  const std::size_t token = accepted_.fetch_add(1);
  const proc_status status = host_library().allocate(client_, PROC_FORMAT_JSON, kAnyGameServer.data(),
                                                     kAnyGameServer.size(), 0, token, &id, error, sizeof(error));
  EXPECT_EQ(status, PROC_OK) << error;
  return id;
}

void SwapHost::poll(std::int32_t wait_ms) {
  char error[512] = "";
  proc_status status = PROC_OK;
  if (form_ == Form::kCallback) {
    status = host_library().poll(client_, 0, 0, wait_ms, nullptr, nullptr, error, sizeof(error));
  } else if (form_ == Form::kJson) {
    const auto on_json = [](void* self, const char* json, std::uint64_t size) {
      static_cast<SwapHost*>(self)->handle_json({json, size});
    };
    status = host_library().poll_json(client_, on_json, this, 0, 0, wait_ms, nullptr, nullptr, error, sizeof(error));
  } else {
    std::array<proc_event, 32> events;
    std::uint32_t count = 0;
    std::uint32_t more = 1;
    for (; more != 0 && status == PROC_OK; wait_ms = 0) {
      status = host_library().poll_events(client_, events.data(), sizeof(proc_event),
                                          static_cast<std::uint32_t>(events.size()), 0, wait_ms, &count, &more, error,
                                          sizeof(error));
      std::for_each_n(events.begin(), count, [this](const proc_event& event) { handle_event(event); });
    }
  }
  ASSERT_EQ(status, PROC_OK) << error;
}

bool SwapHost::poll_until(const std::function<bool()>& condition) {
  const auto end = Clock::now() + 2 * kPatience;
  while (!condition()) {
    if (Clock::now() > end) {
      return false;
    }
    poll(2);
  }
  return true;
}

bool SwapHost::swap_and_wait(const std::string& plugin) {
  return host_library().swap(client_, plugin.c_str(), nullptr, nullptr, 0) == PROC_OK &&
         poll_until([this] { return report().state != PROC_SWAP_RUNNING; });
}

proc_swap_report SwapHost::report() const {
  proc_swap_report report{};
  report.struct_size = sizeof(report);
  host_library().get_swap_report(client_, &report, nullptr, 0);
  return report;
}

std::string SwapHost::plugin_version() const {
  char version[32] = "";
  host_library().get_plugin_version(client_, version, sizeof(version), nullptr, 0);
  return version;
}

proc_stats SwapHost::stats() const {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  host_library().get_stats(client_, &stats, nullptr, 0);
  return stats;
}

proc_connection_state SwapHost::connection() const {
  proc_connection_state state = 0;
  host_library().get_connection(client_, &state, nullptr, 0, nullptr, 0);
  return state;
}

void SwapHost::handle_event(const proc_event& event) {
  if (event.type == PROC_EVENT_RESULT) {
    add({event.token,
         host_library().outcome_string(event.outcome),
         {event.game_server_name.data, event.game_server_name.size},
         event.latency_us});
  } else if (event.type == PROC_EVENT_ORPHAN) {
    orphan_names.push_back(copy(event).game_server);
  } else if (event.type == PROC_EVENT_CONNECTION) {
    ++states_told;
    constexpr std::array<const char*, 6> kNames{"", "CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED"};
    last_state_told = kNames.at(static_cast<std::size_t>(event.connection));
  }
}

void SwapHost::handle_json(const std::string& text) {
  const auto event = nlohmann::json::parse(text);
  if (event["type"] == "RESULT") {
    add({event["token"], event["outcome"], event.value("/gameServer/gameServerName"_json_pointer, ""),
         event["latencyUs"]});
  } else if (event["type"] == "ORPHAN") {
    orphan_names.push_back(event["gameServer"]["gameServerName"]);
  } else if (event["type"] == "CONNECTION") {
    ++states_told;
    last_state_told = event["connection"];
  }
}

void SwapHost::add(const Result& result) {
  ASSERT_LT(result.token, kMostRequests);
  EXPECT_EQ(seen_[result.token], 0) << "a request ended twice";
  seen_[result.token] = 1;
  ++ended_;
  ++outcomes[result.outcome];
  longest_latency = std::max(longest_latency, std::chrono::microseconds(result.latency_us));
  if (result.outcome == "ALLOCATED") {
    names_[named_++] = result.game_server;
  }
}

SteadyLoad::SteadyLoad(SwapHost& host, std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, &host, threads] {
      while (!stop_.load()) {
        host.allocate();
        std::this_thread::sleep_for(std::chrono::milliseconds(threads));
      }
    });
  }
}

void SteadyLoad::stop() {
  stop_.store(true);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

}  // namespace agones::test
