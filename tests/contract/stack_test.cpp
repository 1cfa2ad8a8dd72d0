// SPDX-License-Identifier: Apache-2.0
// Each function takes no more of its caller's stack than the header says.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/certificates.h"
#include "support/plugin.h"
#include "support/processor.h"
#include "support/stack.h"

namespace agones::test {
namespace {

void expect_at_most(std::size_t most, const char* function, const std::function<void()>& body) {
  EXPECT_LE(stack_taken(body), most) << function;
}

TEST(Stack, OfMakingAndEndingAClient) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  for (const proc_transport transport : {PROC_TRANSPORT_PLAINTEXT, PROC_TRANSPORT_TLS}) {
    const std::string address = processor.address();
    proc_client* client = nullptr;
    std::array<char, 512> error{};
    proc_config config{};
    expect_at_most(kStackOfOthers, "config_init", [&] {
      plugin().config_init(PROC_ABI_VERSION, &config, sizeof(config), error.data(), error.size());
    });
    expect_at_most(kStackOfOthers, "config_set", [&] {
      plugin().config_set(&config, "processor_address", address.c_str(), error.data(), error.size());
      plugin().config_set(&config, "no_such_field", "1", error.data(), error.size());
    });
    config.transport = transport;
    config.on_event = [](void*, const proc_event*) {};
    proc_status status = PROC_ERR_INTERNAL;
    expect_at_most(kStackOfInit, "init", [&] { status = plugin().init(&config, &client, error.data(), error.size()); });
    ASSERT_EQ(status, PROC_OK) << error.data();
    expect_at_most(kStackOfOthers, "config_clear", [&] { plugin().config_clear(&config); });
    expect_at_most(kStackOfOthers, "poll", [&] { plugin().poll(client, 0, 0, 50, nullptr, nullptr, nullptr, 0); });
    expect_at_most(kStackOfOthers, "shutdown", [&] { plugin().shutdown(client, 1000, error.data(), error.size()); });
    expect_at_most(kStackOfOthers, "destroy", [&] { plugin().destroy(client, error.data(), error.size()); });
    expect_at_most(kStackOfOthers, "get_unload_state", [&] { plugin().get_unload_state(error.data(), error.size()); });
  }
}

TEST(Stack, OfMutualTls) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_certificate("ca", "client", "host.test", 10);
  const std::string address = "127.0.0.1:1";
  const std::string ca = certificates.path("ca.pem");
  const std::string certificate = certificates.path("client.pem");
  const std::string key = certificates.path("client.key");
  proc_config config = plaintext_config(address);
  config.transport = PROC_TRANSPORT_TLS;
  config.tls_ca_file = text(ca);
  config.tls_certificate_file = text(certificate);
  config.tls_key_file = text(key);
  proc_client* client = nullptr;
  std::array<char, 512> error{};
  proc_status status = PROC_ERR_INTERNAL;
  expect_at_most(kStackOfInit, "init", [&] { status = plugin().init(&config, &client, error.data(), error.size()); });
  ASSERT_EQ(status, PROC_OK) << error.data();
  expect_at_most(kStackOfOthers, "shutdown", [&] { plugin().shutdown(client, 0, nullptr, 0); });
  expect_at_most(kStackOfOthers, "destroy", [&] { plugin().destroy(client, nullptr, 0); });
}

TEST(Stack, OfAPluginThatCantBeLoaded) {
  const std::string address = "127.0.0.1:1";
  for (const char* file : {"libno-such-plugin.so", "/no/such/plugin.so", "/proc/self/exe"}) {
    proc_config config = plaintext_config(address);
    config.plugin_file = text(file);
    proc_client* client = nullptr;
    std::array<char, 512> error{};
    proc_status status = PROC_OK;
    expect_at_most(kStackOfInit, "init", [&] { status = plugin().init(&config, &client, error.data(), error.size()); });
    if (status == PROC_OK) {  // the plugin itself loads none
      plugin().shutdown(client, 0, nullptr, 0);
      plugin().destroy(client, nullptr, 0);
    }
  }
}

TEST(Stack, OfRequestsAndEvents) {
  local::LocalProcessor processor(quick_options(), fleet_of(1000));
  Client client(processor.address());
  const std::string nested = R"({"namespace":"default","metadata":)" + std::string(100'000, '[') + "}";
  const std::string deep = [] {
    std::string text = R"({"namespace":"default","gameServerSelectors":)";
    for (int i = 0; i < 10'000; ++i) {
      text += R"([{"gameServerSelectors":)";
    }
    return text;
  }();
  const std::string labels = [] {
    std::string text = R"({"namespace":"default","metadata":{"labels":{)";
    for (int i = 0; i < 1000; ++i) {
      text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":\"v\"";
    }
    return text + "}}}";
  }();
  for (const std::string& body : {std::string(kAnyGameServer), nested, deep, labels}) {
    expect_at_most(kStackOfOthers, "allocate", [&] {
      std::array<char, 512> error{};
      plugin().allocate(client.handle(), PROC_FORMAT_JSON, body.data(), body.size(), 0, 1, nullptr, error.data(),
                        error.size());
    });
  }
  const std::string protobuf =
      "\x0a\x07"
      "default";
  expect_at_most(kStackOfOthers, "allocate_request", [&] {
    proc_request request = json_request(protobuf);
    request.format = PROC_FORMAT_PROTOBUF;
    plugin().allocate_request(client.handle(), &request, nullptr, nullptr, 0);
  });
  expect_at_most(kStackOfOthers, "cancel", [&] { plugin().cancel(client.handle(), 1, nullptr, 0); });
  ASSERT_TRUE(client.poll_until_results(3));
  const std::uint64_t before = client.stats().allocated;
  for (int i = 0; i < 10; ++i) {
    client.allocate();
  }
  // They have ended and wait to be polled.
  ASSERT_TRUE(wait_until([&] { return client.stats().allocated == before + 10; }));
  expect_at_most(kStackOfOthers, "poll, one event",
                 [&] { plugin().poll(client.handle(), 1, 0, 0, nullptr, nullptr, nullptr, 0); });
  expect_at_most(kStackOfOthers, "poll_json", [&] {
    plugin().poll_json(
        client.handle(), [](void*, const char*, std::uint64_t) {}, nullptr, 4, 0, 0, nullptr, nullptr, nullptr, 0);
  });
  std::vector<proc_event> events(16);
  std::uint32_t count = 0;
  expect_at_most(kStackOfOthers, "poll_events", [&] {
    plugin().poll_events(client.handle(), events.data(), sizeof(proc_event), 16, 0, 0, &count, nullptr, nullptr, 0);
  });
  std::string response;
  for (std::uint32_t i = 0; i < count && response.empty(); ++i) {
    response.assign(static_cast<const char*>(events[i].response.data), events[i].response.size);
  }
  ASSERT_FALSE(response.empty());
  std::vector<char> json(1 << 16);
  for (const auto& [format, body] : {std::pair<proc_format, std::string>{PROC_FORMAT_MANIFEST, "{}"},
                                     {PROC_FORMAT_JSON, labels},
                                     {PROC_FORMAT_JSON, deep},
                                     {PROC_FORMAT_PROTOBUF, protobuf}}) {
    SCOPED_TRACE(body.substr(0, 100));
    expect_at_most(kStackOfOthers, "request_to_protobuf", [&, &its_format = format, &its_body = body] {
      std::array<char, 512> error{};
      std::array<char, 64> request{};
      plugin().request_to_protobuf(its_format, its_body.data(), its_body.size(), PROC_UNKNOWN_FIELDS_IGNORE,
                                   request.data(), request.size(), nullptr, error.data(), error.size());
    });
  }
  expect_at_most(kStackOfOthers, "response_to_json", [&] {
    plugin().response_to_json(response.data(), response.size(), json.data(), json.size(), nullptr, nullptr, 0);
  });
}

TEST(Stack, OfTheRest) {
  local::LocalProcessor processor(quick_options(), fleet_of(10));
  Client client(processor.address());
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  expect_at_most(kStackOfOthers, "get_stats", [&] { plugin().get_stats(client.handle(), &stats, nullptr, 0); });
  const auto metrics = std::make_unique<proc_metrics>();
  metrics->struct_size = sizeof(*metrics);
  expect_at_most(kStackOfOthers, "get_metrics",
                 [&] { plugin().get_metrics(client.handle(), metrics.get(), nullptr, 0); });
  std::vector<char> exposition(1 << 17);
  expect_at_most(kStackOfOthers, "metrics_to_text", [&] {
    plugin().metrics_to_text(&stats, metrics.get(), exposition.data(), exposition.size(), nullptr, nullptr, 0);
  });
  expect_at_most(kStackOfOthers, "get_connection", [&] {
    proc_connection_state state = 0;
    std::array<char, 256> reason{};
    plugin().get_connection(client.handle(), &state, reason.data(), reason.size(), nullptr, 0);
  });
  expect_at_most(kStackOfOthers, "get_wakeup_fd", [&] { client.wakeup_fd(); });
  expect_at_most(kStackOfOthers, "wake", [&] { plugin().wake(client.handle(), nullptr, 0); });
  Client taker(processor.address(), [](proc_config& config) { config.first_request_id = 1'000'000; });
  processor.set_serving(false);
  client.allocate();
  expect_at_most(kStackOfOthers, "hand_over, take_over", [&] {
    const auto take = [](void* self, const proc_moved_request* request) {
      return plugin().take_over(static_cast<Client*>(self)->handle(), request, nullptr, 0);
    };
    plugin().hand_over(client.handle(), take, &taker, 0, nullptr, nullptr, nullptr, 0);
  });
  expect_at_most(kStackOfOthers, "drain", [&] { plugin().drain(client.handle(), PROC_DRAIN_END_ALL, nullptr, 0); });
  expect_at_most(kStackOfOthers, "status_string, version", [&] {
    plugin().status_string(PROC_ERR_BUSY);
    plugin().outcome_string(PROC_OUTCOME_ALLOCATED);
    plugin().version();
    plugin().abi_version();
  });
}

}  // namespace
}  // namespace agones::test
