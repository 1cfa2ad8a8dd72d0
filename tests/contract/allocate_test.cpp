// SPDX-License-Identifier: Apache-2.0
// What a request goes through, from proc_allocate to its one event.
#include <allocation/allocation.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "support/plugin.h"
#include "support/processor.h"
#include "support/requests.h"

namespace agones::test {
namespace {

using local::Faults;
using local::LocalProcessor;
using testing::UnorderedElementsAreArray;

TEST(Allocate, GivesAGameServer) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  const std::uint64_t id = client.allocate(R"({"namespace":"default"})", 0, 42);
  ASSERT_NE(id, 0U);
  ASSERT_TRUE(client.poll_until_results(1));
  const Event& event = client.results[0];
  EXPECT_EQ(event.request_id, id);
  EXPECT_EQ(event.token, 42U);
  EXPECT_EQ(event.outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(event.delivery, PROC_DELIVERY_DONE);
  EXPECT_NE(event.batch_id, 0U);
  EXPECT_EQ(event.game_server, "local-1");
  EXPECT_EQ(event.address, "10.0.0.0");
  EXPECT_EQ(event.node_name, "node-1");
  EXPECT_EQ(event.source, "local");
  EXPECT_EQ(event.ports, std::vector<int>{7000});
  allocation::AllocationResponse response;
  ASSERT_TRUE(response.ParseFromString(event.response));
  EXPECT_EQ(response.metadata().labels().at("agones.dev/fleet"), "local");
}

TEST(Allocate, TakesProtobufAndAppliesMetadata) {
  LocalProcessor processor(quick_options(), fleet_of(2));
  Client client(processor.address());
  allocation::AllocationRequest body;
  body.set_namespace_("default");
  (*body.add_gameserverselectors()->mutable_matchlabels())["agones.dev/fleet"] = "local";
  (*body.mutable_metadata()->mutable_labels())["mode"] = "arena";
  const std::string bytes = body.SerializeAsString();
  proc_request request{};
  request.struct_size = sizeof(request);
  request.format = PROC_FORMAT_PROTOBUF;
  request.body = {bytes.data(), bytes.size()};
  ASSERT_EQ(client.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(1));
  ASSERT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
  const std::string& response = client.results[0].response;
  std::uint64_t needed = 0;
  EXPECT_EQ(client.api().response_to_json(response.data(), response.size(), nullptr, 0, &needed, nullptr, 0),
            PROC_ERR_TOO_LARGE);
  std::string json(needed + 1, '\0');
  ASSERT_EQ(
      client.api().response_to_json(response.data(), response.size(), json.data(), json.size(), &needed, nullptr, 0),
      PROC_OK);
  json.resize(needed);
  EXPECT_EQ(nlohmann::json::parse(json)["metadata"]["labels"]["mode"], "arena");
}

TEST(Allocate, TriesSelectorsInOrder) {
  auto servers = local::make_servers(3);
  servers[1].labels["mode"] = "arena";
  servers[2].state = local::GameServerState::kAllocated;
  LocalProcessor processor(quick_options(), std::make_shared<local::Fleet>(std::move(servers)));
  Client client(processor.address());
  for (
      const char* json :
      {R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"mode":"none"}},{"matchLabels":{"mode":"arena"}}]})",
       R"({"namespace":"default","gameServerSelectors":[{"gameServerState":"ALLOCATED",
            "matchExpressions":[{"key":"mode","operator":"DoesNotExist"}]}]})",
       R"({"namespace":"default","gameServerSelectors":[{"matchExpressions":[{"key":"mode","operator":"In","values":["arena"]}]}]})",
       R"({"namespace":"elsewhere"})"}) {
    ASSERT_NE(client.allocate(json), 0U) << client.last_refusal.error;
    ASSERT_TRUE(client.poll_until([&] { return client.stats().pending == 0; }));
  }
  ASSERT_EQ(client.results.size(), 4U);
  EXPECT_EQ(client.results[0].game_server, "local-2");
  EXPECT_EQ(client.results[1].game_server, "local-3");
  EXPECT_EQ(client.results[2].outcome, PROC_OUTCOME_REJECTED);
  EXPECT_EQ(client.results[3].outcome, PROC_OUTCOME_REJECTED);
}

TEST(Allocate, RejectionsCarryCodeAndText) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  client.allocate();
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.results[1].outcome, PROC_OUTCOME_REJECTED);
  EXPECT_EQ(client.results[1].delivery, PROC_DELIVERY_DONE);
  EXPECT_EQ(client.results[1].code, 8);
  EXPECT_EQ(client.results[1].message, "there is no available GameServer to allocate");
}

TEST(Allocate, AfterASessionAnotherGameServerIsThere) {
  auto fleet = fleet_of(1);
  LocalProcessor processor(quick_options(), fleet);
  Client client(processor.address());
  for (std::size_t round = 1; round <= 3; ++round) {
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(round));
    EXPECT_EQ(client.results.back().outcome, PROC_OUTCOME_ALLOCATED);
    EXPECT_TRUE(fleet->end_session("default", client.results.back().game_server));
    EXPECT_FALSE(fleet->end_session("default", client.results.back().game_server));
  }
}

TEST(Allocate, UnsentRequestsTimeOutWithTheirBytes) {
  Client client("127.0.0.1:1");
  client.allocate(R"({"namespace":"default"})", 50);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_TIMEOUT);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_NOT_SENT);
  EXPECT_EQ(client.results[0].request,
            "\x0a\x07"
            "default");
}

TEST(Allocate, LateAnswersAreOrphans) {  // H9
  const local::Faults slow = answers_held_back();
  auto options = quick_options();
  options.faults = without_pulls(slow);
  LocalProcessor processor(options, fleet_of(2));
  Client client(processor.address());
  ASSERT_TRUE(client.poll_until([&] { return client.stats().streams == 1; }));
  const std::uint64_t timed_out = client.allocate(kAnyGameServer, 1000);
  const std::uint64_t cancelled = client.allocate();
  processor.set_faults(slow);
  ASSERT_TRUE(client.poll_until([&] { return client.stats().batches_sent == 1; }));
  EXPECT_EQ(client.api().cancel(client.handle(), cancelled, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(client.stats().late_answers, 2U) << "counted before the results could be polled";
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until([&] { return client.orphans.size() == 2; }));
  std::set<std::uint64_t> ids;
  for (const Event& result : client.results) {
    EXPECT_EQ(result.outcome, result.request_id == cancelled ? PROC_OUTCOME_CANCELLED : PROC_OUTCOME_TIMEOUT);
    EXPECT_EQ(result.delivery, PROC_DELIVERY_UNKNOWN);
  }
  std::vector<std::string> names;
  for (const Event& orphan : client.orphans) {
    ids.insert(orphan.request_id);
    names.push_back(orphan.game_server);
    EXPECT_FALSE(orphan.response.empty());
  }
  EXPECT_EQ(ids, (std::set<std::uint64_t>{timed_out, cancelled}));
  EXPECT_THAT(names, UnorderedElementsAreArray(names_in(processor)));
}

TEST(Allocate, ACancelledUnsentRequestIsNotSent) {  // H10
  auto options = quick_options();
  options.serving = false;
  LocalProcessor processor(options, fleet_of(2));
  Client client(processor.address());
  const std::uint64_t id = client.allocate();
  client.allocate();
  EXPECT_EQ(client.api().cancel(client.handle(), id, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_CANCELLED);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_NOT_SENT);
  processor.set_serving(true);
  ASSERT_TRUE(client.poll_until_results(2));
  EXPECT_EQ(processor.counts().requests, 1U);
  EXPECT_EQ(client.api().cancel(client.handle(), id, nullptr, 0), PROC_OK) << "too late is no error";
  EXPECT_EQ(client.api().cancel(client.handle(), 0, nullptr, 0), PROC_ERR_NOT_FOUND);
  EXPECT_EQ(client.api().cancel(client.handle(), 99, nullptr, 0), PROC_ERR_NOT_FOUND);
}

TEST(Allocate, ThePendingLimitIsExactAndClears) {
  auto options = quick_options();
  options.serving = false;
  LocalProcessor processor(options, fleet_of(100));
  Client client(processor.address(), [](proc_config& config) { config.max_pending_requests = 10; });
  for (int i = 0; i < 10; ++i) {
    ASSERT_NE(client.allocate(), 0U);
  }
  EXPECT_EQ(client.allocate(), 0U);
  EXPECT_EQ(client.last_refusal.status, PROC_ERR_QUEUE_FULL);
  EXPECT_EQ(client.last_refusal.error, "10 requests are pending");
  processor.set_serving(true);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_NE(client.allocate(), 0U);
  ASSERT_TRUE(client.poll_until_results(11));
  EXPECT_EQ(client.stats().accepted, 11U);
}

TEST(Allocate, MayBeCalledFromACallback) {
  LocalProcessor processor(quick_options(), fleet_of(50));
  Client client(processor.address());
  client.on_event = [&](const proc_event& event) {
    if (event.type == PROC_EVENT_RESULT && client.results.size() < 50) {
      client.allocate();
    }
  };
  client.allocate();
  EXPECT_TRUE(client.poll_until_results(50));
}

TEST(Allocate, FromManyThreadsEachOnce) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 500;
  LocalProcessor processor(quick_options(), fleet_of(kThreads * kEach));
  Client client(processor.address());
  EXPECT_TRUE(client.allocate_from_threads(kThreads, kEach));
  EXPECT_THAT(client.allocated_names(), UnorderedElementsAreArray(names_in(processor)));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], kThreads * kEach);
}

TEST(Allocate, GoesOutWithTheVeryNextPull) {
  auto options = quick_options();
  options.pull_interval = std::chrono::milliseconds(300);
  LocalProcessor processor(options, fleet_of(20));
  Client client(processor.address(), [](proc_config& config) { config.batches_per_pull = 1; });
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  // The second request comes while the plugin's thread sleeps, with the first one in hand. A pull may come
  // between the two now and then; a plugin that does not look again when it is pulled always misses the second.
  int together = 0;
  for (std::size_t round = 1; round <= 5; ++round) {
    const auto before = client.stats().pulls;
    ASSERT_TRUE(client.poll_until([&] { return client.stats().pulls > before; }));
    client.allocate();
    ASSERT_TRUE(client.poll_until([&] { return client.stats().unsent == 1; }));
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(2 * round));
    together += client.results[2 * round - 2].batch_id == client.results[2 * round - 1].batch_id ? 1 : 0;
  }
  EXPECT_GT(together, 0);
}

TEST(Poll, HandsOutNoMoreThanMaxEvents) {
  Client client("127.0.0.1:1", [](proc_config& config) { config.log_level = PROC_SEVERITY_OFF; });
  for (int i = 0; i < 10; ++i) {
    client.allocate(R"({"namespace":"default"})", 1);
  }
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (client.stats().timed_out < 10 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  std::size_t total = 0;
  while (client.results.size() < 10) {
    std::uint32_t delivered = 0;
    ASSERT_EQ(client.api().poll(client.handle(), 3, 0, kPatienceMs, &delivered, nullptr, nullptr, 0), PROC_OK);
    ASSERT_LE(delivered, 3U);
    ASSERT_GT(delivered, 0U);
    total += delivered;
  }
  EXPECT_GE(total, 10U);
}

TEST(Poll, StopsStartingCallbacksWhenItsTimeIsUp) {
  Client client("127.0.0.1:1", [](proc_config& config) { config.log_level = PROC_SEVERITY_OFF; });
  for (int i = 0; i < 10; ++i) {
    client.allocate(R"({"namespace":"default"})", 1);
  }
  client.on_event = [](const proc_event&) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  std::uint32_t delivered = 0;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (client.stats().timed_out < 10 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  ASSERT_EQ(client.api().poll(client.handle(), 0, 1000, kPatienceMs, &delivered, nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(delivered, 1U);
}

TEST(Poll, TheWakeupFdIsReadableExactlyWhileThereIsSomething) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address(), [](proc_config& config) { config.log_level = PROC_SEVERITY_OFF; });
  // The last event for now; the poll that finds no further one clears the fd.
  ASSERT_TRUE(client.poll_until(
      [&] { return !client.connections.empty() && client.connections.back().connection == PROC_CONNECTION_SERVING; }));
  EXPECT_EQ(client.api().poll(client.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_OK);
  pollfd fd{client.wakeup_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&fd, 1, 0), 0);
  client.allocate();
  EXPECT_EQ(poll(&fd, 1, kPatienceMs), 1);
  EXPECT_TRUE(client.poll_until_results(1));
}

TEST(Poll, FillsAnArrayWithoutCallbacks) {
  LocalProcessor processor(quick_options(), fleet_of(100));
  const std::string address = processor.address();
  const proc_config config = plaintext_config(address);
  proc_client* client = nullptr;
  ASSERT_EQ(plugin().init(&config, &client, nullptr, 0), PROC_OK);
  const proc_request request = json_request();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(plugin().allocate_request(client, &request, nullptr, nullptr, 0), PROC_OK);
  }
  EXPECT_EQ(plugin().poll(client, 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT) << "no on_event";
  // As a host of a newer version: its events are longer than the plugin's.
  struct NewerEvent {
    proc_event event;
    char added[24];
  };
  std::vector<NewerEvent> events(7);
  std::vector<std::string> names;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (names.size() < 100 && std::chrono::steady_clock::now() < end) {
    std::uint32_t count = 0;
    ASSERT_EQ(
        plugin().poll_events(client, &events[0].event, sizeof(NewerEvent), 7, 0, 100, &count, nullptr, nullptr, 0),
        PROC_OK);
    for (std::uint32_t i = 0; i < count; ++i) {
      EXPECT_EQ(events[i].event.struct_size, sizeof(proc_event));
      if (events[i].event.type == PROC_EVENT_RESULT) {
        names.push_back(copy(events[i].event).game_server);
      }
    }
  }
  EXPECT_THAT(names, UnorderedElementsAreArray(names_in(processor)));
  char error[128] = "";
  EXPECT_EQ(plugin().shutdown(client, 1000, error, sizeof(error)), PROC_OK) << error;
  EXPECT_EQ(plugin().destroy(client, nullptr, 0), PROC_OK);
}

}  // namespace
}  // namespace agones::test
