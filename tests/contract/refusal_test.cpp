// SPDX-License-Identifier: Apache-2.0
// Bad input: refused with a text that names what is wrong, and nothing else is harmed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <limits>

#include "support/plugin.h"
#include "support/processor.h"
#include "support/requests.h"

namespace agones::test {
namespace {

using local::LocalProcessor;

// The error text of a proc_init that is refused as INVALID_ARGUMENT.
std::string init_refusal(const std::function<void(proc_config&)>& adjust) {
  proc_config config = plaintext_config("127.0.0.1:1");
  adjust(config);
  proc_client* client = nullptr;
  char error[256] = "";
  EXPECT_EQ(plugin().init(&config, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT) << error;
  EXPECT_EQ(client, nullptr);
  return error;
}

TEST(Refusal, ConfigInit) {
  proc_config config;
  EXPECT_EQ(plugin().config_init(PROC_ABI_VERSION, nullptr, sizeof(config), nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().config_init(PROC_ABI_VERSION, &config, 8, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().config_init(2U << 16, &config, sizeof(config), nullptr, 0), PROC_ERR_VERSION);
  EXPECT_EQ(plugin().config_init(0, &config, sizeof(config), nullptr, 0), PROC_ERR_VERSION);
  EXPECT_EQ(plugin().config_init(PROC_ABI_VERSION + 7, &config, sizeof(config), nullptr, 0), PROC_OK)
      << "a newer minor version";
}

TEST(Refusal, InitNullsAndVersions) {
  proc_config config = plaintext_config("127.0.0.1:1");
  proc_client* client = nullptr;
  char error[256] = "";
  EXPECT_EQ(plugin().init(nullptr, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "config: NULL");
  EXPECT_EQ(plugin().init(&config, nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "client: NULL");
  EXPECT_EQ(plugin().init(nullptr, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  config.struct_size = sizeof(config) - 1;
  EXPECT_EQ(plugin().init(&config, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(error).rfind("config.struct_size: ", 0), 0U) << error;
  config.struct_size = sizeof(config);
  config.abi_version = 3U << 16 | 1U;
  EXPECT_EQ(plugin().init(&config, &client, error, sizeof(error)), PROC_ERR_VERSION);
  EXPECT_STREQ(error, "the host was built for ABI 3.1, this library has 1.0");
  // A text that does not fit is cut and terminated.
  EXPECT_EQ(plugin().init(&config, &client, error, 9), PROC_ERR_VERSION);
  EXPECT_STREQ(error, "the host");
}

TEST(Refusal, InitNamesTheField) {
  const std::pair<const char*, std::function<void(proc_config&)>> cases[] = {
      {"processor_address: missing", [](proc_config& c) { c.processor_address = {}; }},
      {"processor_address: 'a:b' is not host:port", [](proc_config& c) { c.processor_address = text("a:b"); }},
      {"processor_address: data is NULL",
       [](proc_config& c) {
         c.processor_address = {nullptr, 4};
       }},
      {"client_id: not valid UTF-8", [](proc_config& c) { c.client_id = text("\xff"); }},
      {"client_id: contains NUL", [](proc_config& c) { c.client_id = text(std::string_view("a\0b", 3)); }},
      {"client_id: longer than",
       [](proc_config& c) {
         static const std::string id(257, 'x');
         c.client_id = text(id);
       }},
      {"max_batch_size: 65537", [](proc_config& c) { c.max_batch_size = 65'537; }},
      {"fixed_batches: 2", [](proc_config& c) { c.fixed_batches = 2; }},
      {"max_streams: 0", [](proc_config& c) { c.max_streams = 0; }},
      {"max_batch_bytes: 4194304", [](proc_config& c) { c.max_batch_bytes = 4 << 20; }},
      {"max_unanswered_batches", [](proc_config& c) { c.max_unanswered_batches = 0; }},
      {"max_pending_requests", [](proc_config& c) { c.max_pending_requests = UINT32_MAX; }},
      {"max_message_bytes", [](proc_config& c) { c.max_message_bytes = 1; }},
      {"max_unpolled_bytes", [](proc_config& c) { c.max_unpolled_bytes = 1000; }},
      {"allocation_timeout_ms", [](proc_config& c) { c.allocation_timeout_ms = 0; }},
      {"reconnect_initial_ms", [](proc_config& c) { c.reconnect_initial_ms = 0; }},
      {"reconnect_max_ms: 50 is less than reconnect_initial_ms, 100", [](proc_config& c) { c.reconnect_max_ms = 50; }},
      {"reconnect_jitter_percent", [](proc_config& c) { c.reconnect_jitter_percent = 101; }},
      {"connect_timeout_ms", [](proc_config& c) { c.connect_timeout_ms = 0; }},
      {"keepalive_time_ms: 10999 is not from 11000", [](proc_config& c) { c.keepalive_time_ms = 10'999; }},
      {"keepalive_timeout_ms", [](proc_config& c) { c.keepalive_timeout_ms = 0; }},
      {"pull_timeout_ms", [](proc_config& c) { c.pull_timeout_ms = 0; }},
      {"answer_timeout_ms", [](proc_config& c) { c.answer_timeout_ms = 0; }},
      {"batches_per_pull", [](proc_config& c) { c.batches_per_pull = 1'001; }},
      {"fail_fast", [](proc_config& c) { c.fail_fast = 9; }},
      {"resend_may_allocate_twice", [](proc_config& c) { c.resend_may_allocate_twice = 9; }},
      {"unknown_fields: 2 is neither REFUSE nor IGNORE", [](proc_config& c) { c.unknown_fields = 2; }},
      {"unknown_fields: -1 is neither", [](proc_config& c) { c.unknown_fields = -1; }},
      {"transport: 7", [](proc_config& c) { c.transport = 7; }},
      {"tls_ca: given, but transport is PLAINTEXT", [](proc_config& c) { c.tls_ca_pem = text("x"); }},
      {"tls_ca: cannot read '/no/such/file'",
       [](proc_config& c) {
         c.transport = PROC_TRANSPORT_TLS;
         c.tls_ca_file = text("/no/such/file");
       }},
      {"tls_key: missing",
       [](proc_config& c) {
         c.transport = PROC_TRANSPORT_TLS;
         c.tls_certificate_pem = text("x");
       }},
      {"tls_ca: both a file and a text",
       [](proc_config& c) {
         c.transport = PROC_TRANSPORT_TLS;
         c.tls_ca_pem = text("x");
         c.tls_ca_file = text("y");
       }},
      {"log_level", [](proc_config& c) { c.log_level = 0; }},
  };
  for (const auto& [expected, adjust] : cases) {
    EXPECT_EQ(init_refusal(adjust).rfind(expected, 0), 0U) << expected << " / " << init_refusal(adjust);
  }
}

TEST(Refusal, ALargerConfigOfANewerHostIsFine) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  struct NewerConfig {
    proc_config config;
    std::uint64_t added[8];
  } newer{};
  ASSERT_EQ(plugin().config_init(PROC_ABI_VERSION + 1, &newer.config, sizeof(newer), nullptr, 0), PROC_OK);
  const std::string address = processor.address();
  newer.config.processor_address = text(address);
  newer.config.transport = PROC_TRANSPORT_PLAINTEXT;
  newer.added[0] = 12345;
  proc_client* client = nullptr;
  char error[128] = "";
  ASSERT_EQ(plugin().init(&newer.config, &client, error, sizeof(error)), PROC_OK) << error;
  EXPECT_EQ(plugin().shutdown(client, 0, nullptr, 0), PROC_OK);
  EXPECT_EQ(plugin().destroy(client, nullptr, 0), PROC_OK);
}

class RefusedRequest : public testing::Test {
 protected:
  Refusal submit(const proc_request& request) {
    Refusal refusal{};
    char error[256] = "";
    refusal.status = plugin().allocate_request(client.handle(), &request, nullptr, error, sizeof(error));
    refusal.error = error;
    return refusal;
  }

  static proc_request request_of(std::string_view body, proc_format format = PROC_FORMAT_JSON) {
    proc_request request{};
    request.struct_size = sizeof(request);
    request.format = format;
    request.body = {body.data(), body.size()};
    return request;
  }

  // After all that was refused, the client works as before and nothing of it reached the processor.
  void TearDown() override {
    EXPECT_EQ(client.stats().accepted, 0U);
    ASSERT_NE(client.allocate(), 0U);
    ASSERT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
    EXPECT_EQ(processor.counts().requests, 1U);
    EXPECT_EQ(processor.counts().wrappers_without_request, 0U);
  }

  LocalProcessor processor{quick_options(), fleet_of(1)};
  Client client{processor.address()};
};

TEST_F(RefusedRequest, NullAndEmptyEverything) {
  const proc_request good = request_of(R"({"namespace":"default"})");
  char error[64] = "";
  EXPECT_EQ(plugin().allocate_request(nullptr, &good, nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "client: NULL");
  EXPECT_EQ(plugin().allocate_request(client.handle(), nullptr, nullptr, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "request: NULL");
  proc_request request = good;
  request.body = {nullptr, 0};
  EXPECT_EQ(submit(request).error, "body: empty");
  request.body = {nullptr, 5};
  EXPECT_EQ(submit(request).error, "body: NULL");
  request.body = {"x", 0};
  EXPECT_EQ(submit(request).error, "body: empty");
  request = good;
  request.traceparent = {nullptr, 55};
  EXPECT_EQ(submit(request).status, PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(submit(request).error, "traceparent: data is NULL, size is 55");
  EXPECT_EQ(plugin().allocate(client.handle(), PROC_FORMAT_JSON, nullptr, 5, 0, 0, nullptr, nullptr, 0),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().allocate_request(nullptr, nullptr, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);

  EXPECT_EQ(plugin().cancel(nullptr, 1, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().poll(nullptr, 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().poll_events(nullptr, nullptr, 0, 0, 0, 0, nullptr, nullptr, nullptr, 0),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().poll_events(client.handle(), nullptr, 0, 0, 0, 0, nullptr, nullptr, nullptr, 0),
            PROC_ERR_INVALID_ARGUMENT);
  std::int32_t fd = 0;
  EXPECT_EQ(plugin().get_wakeup_fd(nullptr, &fd, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().get_wakeup_fd(client.handle(), nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().drain(nullptr, 0, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().drain(client.handle(), 64, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().shutdown(nullptr, 0, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().destroy(nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(plugin().destroy(client.handle(), nullptr, 0), PROC_ERR_BUSY) << "not shut down";
  EXPECT_EQ(plugin().get_stats(client.handle(), nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().get_stats(nullptr, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().get_connection(client.handle(), nullptr, nullptr, 0, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().response_to_json(nullptr, 3, nullptr, 0, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().response_to_json("\xff", 1, nullptr, 0, nullptr, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(plugin().response_to_json("", 0, nullptr, 9, nullptr, nullptr, 9), PROC_ERR_TOO_LARGE) << "no buffer";
  const auto convert = [](proc_format format, const void* body, std::uint64_t size,
                          proc_unknown_fields unknown_fields) {
    return plugin().request_to_protobuf(format, body, size, unknown_fields, nullptr, 9, nullptr, nullptr, 0);
  };
  EXPECT_EQ(convert(PROC_FORMAT_JSON, nullptr, 3, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(convert(PROC_FORMAT_JSON, "{}", 2, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(convert(PROC_FORMAT_MANIFEST, "{}", 2, 7), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(convert(9, "{}", 2, 0), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(convert(PROC_FORMAT_MANIFEST, "{}", 2, 0), PROC_ERR_TOO_LARGE) << "no buffer";
  proc_connection_state state = 0;
  EXPECT_EQ(plugin().get_connection(client.handle(), &state, nullptr, 9, nullptr, 9), PROC_OK);
  EXPECT_EQ(plugin().get_unload_state(nullptr, 9), PROC_UNLOAD_BUSY);
}

TEST_F(RefusedRequest, WrongSizesFormatsTimeouts) {
  proc_request request = request_of(R"({"namespace":"default"})");
  request.struct_size = 0;
  EXPECT_EQ(submit(request).error.rfind("request.struct_size: 0", 0), 0U);
  request.struct_size = sizeof(request);
  request.format = 9;
  EXPECT_EQ(submit(request).error, "format: 9 is none of PROTOBUF, JSON, MANIFEST");
  request.format = PROC_FORMAT_JSON;
  request.reserved = 7;
  EXPECT_EQ(submit(request).error, "request.reserved: 7, must be 0");
  request.reserved = 0;
  request.timeout_ms = UINT32_MAX;
  EXPECT_EQ(submit(request).error, "timeout_ms: longer than a day");
  proc_stats stats{};
  EXPECT_EQ(plugin().get_stats(client.handle(), &stats, nullptr, 0), PROC_ERR_INVALID_ARGUMENT);
  proc_event event;
  std::uint32_t count = 0;
  EXPECT_EQ(plugin().poll_events(client.handle(), &event, 8, 1, 0, 0, &count, nullptr, nullptr, 0),
            PROC_ERR_INVALID_ARGUMENT);
}

TEST_F(RefusedRequest, BadJson) {
  for (const auto& [json, problem] : kBadJsonRequests) {
    if (*json == '\0') {
      continue;
    }
    const Refusal refusal = submit(request_of(json));
    EXPECT_EQ(refusal.status, PROC_ERR_INVALID_ARGUMENT) << json;
    EXPECT_NE(refusal.error.find(problem), std::string::npos) << json << ": " << refusal.error;
  }
}

TEST_F(RefusedRequest, BadProtobuf) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"\xff", "malformed protobuf"},
      {"\x0a\x05"
       "abc",
       "malformed protobuf"},
      {"\x0a\x02\xc3\x28", "namespace: not valid UTF-8"},
      {"\x28\x01", "namespace: missing"},
      {"\x0a\x01n\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "malformed protobuf"},
      {"\x0b", "malformed protobuf"},
  };
  for (const auto& [bytes, problem] : cases) {
    const Refusal refusal = submit(request_of(bytes, PROC_FORMAT_PROTOBUF));
    EXPECT_EQ(refusal.status, PROC_ERR_INVALID_ARGUMENT) << problem;
    EXPECT_EQ(refusal.error, problem);
  }
}

TEST_F(RefusedRequest, TooLargeForAnyBatch) {
  const std::string json = R"({"namespace":")" + std::string(4 << 20, 'n') + R"("})";
  const Refusal refusal = submit(request_of(json));
  EXPECT_EQ(refusal.status, PROC_ERR_TOO_LARGE);
  EXPECT_NE(refusal.error.find("a batch takes at most"), std::string::npos) << refusal.error;
}

TEST(Refusal, ALargeRequestThatJustFitsIsSent) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  // A value of a list may be as long as it likes; annotations may not.
  const std::string start = R"({"namespace":"default","lists":{"l":{"addValues":[")";
  const std::string end = R"("]}}})";
  // The JSON text is longer than the protobuf, so the largest text that is accepted fits with ease.
  const std::string json = start + std::string(4'128'000 - start.size() - end.size() - 1000, 'x') + end;
  ASSERT_NE(client.allocate(json), 0U) << client.last_refusal.error;
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED) << client.results[0].message;
}

TEST(Refusal, ReentryFromACallback) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  std::vector<proc_status> statuses;
  client.on_event = [&](const proc_event& event) {
    if (event.type == PROC_EVENT_RESULT) {
      proc_event array;
      std::uint32_t count = 0;
      statuses = {
          client.api().poll(client.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0),
          client.api().poll_events(client.handle(), &array, sizeof(array), 1, 0, 0, &count, nullptr, nullptr, 0),
          client.api().shutdown(client.handle(), 0, nullptr, 0), client.api().destroy(client.handle(), nullptr, 0)};
    }
  };
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(statuses, std::vector<proc_status>(4, PROC_ERR_IN_CALLBACK));
}

TEST(Refusal, UseAfterShutdown) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  ASSERT_NE(client.allocate(), 0U);
  ASSERT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
  EXPECT_EQ(client.allocate(), 0U);
  EXPECT_EQ(client.last_refusal.status, PROC_ERR_SHUT_DOWN);
  EXPECT_EQ(client.last_refusal.error, "the client takes no more requests");
  EXPECT_EQ(client.api().poll(client.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(client.api().drain(client.handle(), 0, nullptr, 0), PROC_OK);
  EXPECT_EQ(client.api().cancel(client.handle(), 1, nullptr, 0), PROC_ERR_SHUT_DOWN);
  EXPECT_EQ(client.api().cancel(client.handle(), 2, nullptr, 0), PROC_ERR_NOT_FOUND);
  EXPECT_EQ(client.shutdown(), PROC_OK) << "twice is fine";
  EXPECT_EQ(client.connection(), PROC_CONNECTION_CLOSED);
}

TEST(Refusal, InAForkedChildEverythingSaysForked) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  Client client(processor.address());
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  const pid_t child = fork();
  if (child == 0) {
    const Api& api = client.api();
    proc_client* handle = client.handle();
    proc_request request{};
    request.struct_size = sizeof(request);
    request.body = {"x", 1};
    proc_event event;
    std::uint32_t count = 0;
    proc_stats stats{};
    stats.struct_size = sizeof(stats);
    proc_connection_state state = 0;
    std::int32_t fd = 0;
    const auto take = [](void*, const proc_moved_request*) -> proc_status { return PROC_OK; };
    const auto on_json = [](void*, const char*, std::uint64_t) {};
    const proc_status statuses[] = {
        api.wake(handle, nullptr, 0),
        api.get_wakeup_fd(handle, &fd, nullptr, 0),
        api.poll_json(handle, on_json, nullptr, 0, 0, -1, nullptr, nullptr, nullptr, 0),
        api.hand_over(handle, take, nullptr, 0, nullptr, nullptr, nullptr, 0),
        api.take_over(handle, nullptr, nullptr, 0),
        api.allocate(handle, PROC_FORMAT_JSON, "{}", 2, 0, 0, nullptr, nullptr, 0),
        api.allocate_request(handle, &request, nullptr, nullptr, 0),
        api.cancel(handle, 1, nullptr, 0),
        api.poll(handle, 0, 0, -1, nullptr, nullptr, nullptr, 0),
        api.poll_events(handle, &event, sizeof(event), 1, 0, -1, &count, nullptr, nullptr, 0),
        api.drain(handle, 0, nullptr, 0),
        api.shutdown(handle, 100, nullptr, 0),
        api.destroy(handle, nullptr, 0),
        api.get_stats(handle, &stats, nullptr, 0),
        api.get_connection(handle, &state, nullptr, 0, nullptr, 0)};
    int good = 0;
    // A new client would wait for threads that the child does not have.
    const proc_config config = plaintext_config("127.0.0.1:1");
    proc_client* another = nullptr;
    char error[128] = "";
    good += api.init(&config, &another, error, sizeof(error)) == PROC_ERR_FORKED && *error != '\0' ? 0 : 1;
    for (const proc_status status : statuses) {
      good += status == PROC_ERR_FORKED ? 0 : 1;
    }
    _exit(good);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  // The parent goes on.
  client.allocate();
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_ALLOCATED);
}

}  // namespace
}  // namespace agones::test
