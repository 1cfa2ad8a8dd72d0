// SPDX-License-Identifier: Apache-2.0
#include "request/event_json.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/requests.h"

namespace agones::plugin {
namespace {

using nlohmann::json;

proc_text text(std::string_view value) {
  return {value.data(), value.size()};
}

std::string json_of(const proc_event& event) {
  JsonText written;
  write_event(event, written);
  return std::string(written.view());
}

template <typename Message>
void expect_same(const json& value, const Message& expected) {
  Message parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(value.dump(), &parsed).ok()) << value;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, expected)) << value;
}

TEST(EventJson, AResultHasItsGameServer) {
  const std::string response = test::full_response().SerializeAsString();
  proc_event event{};
  event.type = PROC_EVENT_RESULT;
  event.request_id = (std::uint64_t{1} << 53U) - 1;
  event.token = 0;
  event.outcome = PROC_OUTCOME_ALLOCATED;
  event.delivery = PROC_DELIVERY_DONE;
  event.batch_id = 3;
  event.latency_us = 1500;
  event.response = {response.data(), response.size()};
  const json parsed = json::parse(json_of(event));
  EXPECT_EQ(parsed["type"], "RESULT");
  EXPECT_EQ(parsed["requestId"], 9007199254740991);
  EXPECT_EQ(parsed["token"], 0);
  EXPECT_EQ(parsed["outcome"], "ALLOCATED");
  EXPECT_EQ(parsed["delivery"], "DONE");
  EXPECT_EQ(parsed["latencyUs"], 1500);
  expect_same(parsed["gameServer"], test::full_response());
  EXPECT_FALSE(parsed.contains("request"));
  EXPECT_FALSE(parsed.contains("message"));
}

TEST(EventJson, AnUnsentResultHasItsRequest) {
  const std::string request = test::full_request().SerializeAsString();
  proc_event event{};
  event.type = PROC_EVENT_RESULT;
  event.request_id = 1;
  event.outcome = PROC_OUTCOME_TIMEOUT;
  event.delivery = PROC_DELIVERY_NOT_SENT;
  event.request = {request.data(), request.size()};
  event.remaining_ms = 20;
  const json parsed = json::parse(json_of(event));
  expect_same(parsed["request"], test::full_request());
  EXPECT_EQ(parsed["remainingMs"], 20);
  EXPECT_FALSE(parsed.contains("gameServer"));
}

TEST(EventJson, TheOthersHaveWhatIsTheirs) {
  proc_event event{};
  event.type = PROC_EVENT_CONNECTION;
  event.connection = PROC_CONNECTION_BACKING_OFF;
  event.message = text("he said \"no\"\n");
  event.address = text("10.0.0.1:9090");
  event.retry_after_ms = 100;
  EXPECT_EQ(json::parse(json_of(event)), json({{"type", "CONNECTION"},
                                               {"connection", "BACKING_OFF"},
                                               {"message", "he said \"no\"\n"},
                                               {"address", "10.0.0.1:9090"},
                                               {"retryAfterMs", 100}}));
  event = {};
  event.type = PROC_EVENT_LOG;
  event.severity = PROC_SEVERITY_WARNING;
  event.channel = text("stream");
  event.message = text("lost");
  event.batch_id = 7;
  EXPECT_EQ(
      json::parse(json_of(event)),
      json({{"type", "LOG"}, {"severity", "WARNING"}, {"channel", "stream"}, {"message", "lost"}, {"batchId", 7}}));
  event = {};
  event.type = PROC_EVENT_ORPHAN;
  event.request_id = 5;
  const std::string response = test::full_response().SerializeAsString();
  event.response = {response.data(), response.size()};
  const json orphan = json::parse(json_of(event));
  EXPECT_EQ(orphan["requestId"], 5);
  expect_same(orphan["gameServer"], test::full_response());
}

}  // namespace
}  // namespace agones::plugin
