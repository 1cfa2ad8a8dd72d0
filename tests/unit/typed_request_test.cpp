// SPDX-License-Identifier: Apache-2.0
// The request builders of the SDK, in C and in C++, and its view of a response, with the real Protobuf as the referee.
#include <allocation/allocation.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <agones/request.hpp>
#include <agones/response.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "request/protobuf_request.h"
#include "support/requests.h"

namespace agones::test {
namespace {

using google::protobuf::util::MessageDifferencer;

void expect_full(const std::string& bytes) {
  allocation::AllocationRequest parsed;
  ASSERT_TRUE(parsed.ParseFromString(bytes));
  EXPECT_TRUE(MessageDifferencer::Equals(parsed, full_request())) << parsed.DebugString();
  EXPECT_EQ(plugin::check_protobuf_request(bytes).text, "");
}

TEST(Request, HasEveryFieldOfTheContract) {
  Selector selector;
  selector.label("i", "j").not_in("k", {"l"}).counter("m", {0, 0, 3, 0}).list("n", {"o", 0, 0});
  Request request("default");
  request.multi_cluster({{"a", "b"}})
      .required(Selector().label("c", "d"))
      .preferred(Selector().state(GameServerState::kAllocated))
      .scheduling(Scheduling::kDistributed)
      .meta_patch_label("e", "f")
      .patch_annotation("g", "h")
      .select(selector)
      .prioritise(Priority::list("p", Order::kDescending))
      .counter("q", CounterAction::increment(-4))
      .list("r", ListAction().add("s").capacity(5).remove("t"));
  expect_full(request.bytes());
}

TEST(Request, PatchesAddUpAndLongTextsAreWhole) {
  const std::string text(3000, 'x');
  Request request("default");
  request.patch_label("a", text).patch_annotation("b", "c").patch_label("d", "e").meta_patch_annotation("f", "g");
  request.select(Fleet("blue").in("mode", {"ranked", text}).exists("x").does_not_exist("y"))
      .select(Selector().counter("rooms", {1, 2, 3, 4}).list("players", {"p", 5, 6}))
      .prioritise(Priority::counter("rooms"))
      .counter("rooms", CounterAction::decrement(1).capacity(0))
      .counter("seats", CounterAction().capacity(9));
  allocation::AllocationRequest parsed;
  ASSERT_TRUE(parsed.ParseFromString(request.bytes()));
  EXPECT_EQ(parsed.metadata().labels().at("a"), text);
  EXPECT_EQ(parsed.metadata().labels().at("d"), "e");
  EXPECT_EQ(parsed.metadata().annotations().at("b"), "c");
  ASSERT_EQ(parsed.gameserverselectors_size(), 2);
  EXPECT_EQ(parsed.gameserverselectors(0).matchlabels().at("agones.dev/fleet"), "blue");
  ASSERT_EQ(parsed.gameserverselectors(0).matchexpressions_size(), 3);
  EXPECT_EQ(parsed.gameserverselectors(0).matchexpressions(0).values(1), text);
  EXPECT_EQ(parsed.gameserverselectors(1).counters().at("rooms").maxavailable(), 4);
  EXPECT_EQ(parsed.gameserverselectors(1).lists().at("players").maxavailable(), 6);
  EXPECT_TRUE(parsed.counters().at("rooms").has_capacity()) << "also when it is 0";
  EXPECT_EQ(parsed.counters().at("rooms").action().value(), "Decrement");
  EXPECT_FALSE(parsed.counters().at("seats").has_amount());
}

proc_writer write_full(void* buffer, std::uint64_t capacity) {
  proc_writer writer = proc_writer_on(buffer, capacity);
  proc_put_text(&writer, PROC_REQUEST_NAMESPACE, "default");
  proc_begin(&writer, PROC_REQUEST_MULTI_CLUSTER_SETTING);
  proc_put_number(&writer, PROC_MULTI_CLUSTER_ENABLED, 1);
  proc_begin(&writer, PROC_MULTI_CLUSTER_POLICY_SELECTOR);
  proc_put_entry(&writer, PROC_LABEL_SELECTOR_MATCH_LABELS, "a", "b");
  proc_end(&writer);
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_REQUIRED_GAME_SERVER_SELECTOR);
  proc_put_entry(&writer, PROC_SELECTOR_MATCH_LABELS, "c", "d");
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_PREFERRED_GAME_SERVER_SELECTORS);
  proc_put_number(&writer, PROC_SELECTOR_GAME_SERVER_STATE, PROC_STATE_ALLOCATED);
  proc_end(&writer);
  proc_put_number(&writer, PROC_REQUEST_SCHEDULING, PROC_SCHEDULING_DISTRIBUTED);
  proc_begin(&writer, PROC_REQUEST_META_PATCH);
  proc_put_entry(&writer, PROC_METADATA_LABELS, "e", "f");
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_METADATA);
  proc_put_entry(&writer, PROC_METADATA_ANNOTATIONS, "g", "h");
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_GAME_SERVER_SELECTORS);
  proc_put_entry(&writer, PROC_SELECTOR_MATCH_LABELS, "i", "j");
  proc_begin(&writer, PROC_SELECTOR_MATCH_EXPRESSIONS);
  proc_put_text_of(&writer, PROC_EXPRESSION_KEY, "key", 1);
  proc_put_number(&writer, PROC_EXPRESSION_OPERATOR, PROC_OPERATOR_NOT_IN);
  proc_put_text(&writer, PROC_EXPRESSION_VALUES, "l");
  proc_end(&writer);
  proc_begin_entry(&writer, PROC_SELECTOR_COUNTERS, "m");
  proc_put_number(&writer, PROC_COUNTER_SELECTOR_MIN_AVAILABLE, 3);
  proc_end_entry(&writer);
  proc_begin_entry(&writer, PROC_SELECTOR_LISTS, "n");
  proc_put_text(&writer, PROC_LIST_SELECTOR_CONTAINS_VALUE, "o");
  proc_end_entry(&writer);
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_PRIORITIES);
  proc_put_number(&writer, PROC_PRIORITY_TYPE, PROC_PRIORITY_TYPE_LIST);
  proc_put_text(&writer, PROC_PRIORITY_KEY, "p");
  proc_put_number(&writer, PROC_PRIORITY_ORDER, PROC_ORDER_DESCENDING);
  proc_end(&writer);
  proc_begin_entry(&writer, PROC_REQUEST_COUNTERS, "q");
  proc_put_wrapped_text(&writer, PROC_COUNTER_ACTION_ACTION, "Increment");
  proc_put_wrapped_number(&writer, PROC_COUNTER_ACTION_AMOUNT, -4);
  proc_end_entry(&writer);
  proc_begin_entry(&writer, PROC_REQUEST_LISTS, "r");
  proc_put_text(&writer, PROC_LIST_ACTION_ADD_VALUES, "s");
  proc_put_wrapped_number(&writer, PROC_LIST_ACTION_CAPACITY, 5);
  proc_put_text(&writer, PROC_LIST_ACTION_DELETE_VALUES, "t");
  proc_end_entry(&writer);
  return writer;
}

TEST(RequestWriter, HasEveryFieldOfTheContract) {
  char buffer[1024];
  const proc_writer writer = write_full(buffer, sizeof(buffer));
  ASSERT_EQ(proc_writer_status(&writer), PROC_OK);
  expect_full(std::string(buffer, writer.size));
}

TEST(RequestWriter, WritesNothingBeyondItsBuffer) {
  char whole[1024];
  const std::uint64_t size = write_full(whole, sizeof(whole)).size;
  for (std::uint64_t capacity = 0; capacity <= size; ++capacity) {
    std::vector<char> buffer(capacity + 1, '~');
    const proc_writer writer = write_full(buffer.data(), capacity);
    EXPECT_EQ(proc_writer_status(&writer), capacity < size ? PROC_ERR_TOO_LARGE : PROC_OK) << capacity;
    EXPECT_LE(writer.size, capacity);
    EXPECT_EQ(buffer.back(), '~') << capacity;
  }
}

TEST(RequestWriter, LongMessagesGetLongLengths) {
  for (const std::size_t length : {100U, 127U, 128U, 16'383U, 16'384U, 70'000U}) {
    const std::string text(length, 'x');
    std::vector<char> buffer(length + 100);
    proc_writer writer = proc_writer_on(buffer.data(), buffer.size());
    proc_put_text(&writer, PROC_REQUEST_NAMESPACE, "n");
    proc_begin(&writer, PROC_REQUEST_METADATA);
    proc_put_entry(&writer, PROC_METADATA_LABELS, "k", text.c_str());
    proc_end(&writer);
    ASSERT_EQ(proc_writer_status(&writer), PROC_OK);
    allocation::AllocationRequest parsed;
    ASSERT_TRUE(parsed.ParseFromArray(buffer.data(), static_cast<int>(writer.size)));
    EXPECT_EQ(parsed.metadata().labels().at("k"), text);
  }
}

TEST(RequestWriter, BeginsAndEndsMustMatch) {
  char buffer[256];
  proc_writer writer = proc_writer_on(buffer, sizeof(buffer));
  proc_begin(&writer, PROC_REQUEST_METADATA);
  EXPECT_EQ(proc_writer_status(&writer), PROC_ERR_INVALID_ARGUMENT);
  proc_end(&writer);
  EXPECT_EQ(proc_writer_status(&writer), PROC_OK);
  proc_end(&writer);
  proc_begin(&writer, PROC_REQUEST_METADATA);
  EXPECT_EQ(proc_writer_status(&writer), PROC_ERR_INVALID_ARGUMENT) << "and it stays so";
  writer = proc_writer_on(buffer, sizeof(buffer));
  for (int depth = 0; depth <= PROC_WRITER_DEPTH; ++depth) {
    proc_begin(&writer, PROC_REQUEST_METADATA);
  }
  EXPECT_EQ(proc_writer_status(&writer), PROC_ERR_INVALID_ARGUMENT);
}

TEST(RequestWriter, ATextThatIsNullIsRefused) {
  char buffer[256];
  for (const auto& write : {+[](proc_writer* writer) { proc_put_text_of(writer, PROC_REQUEST_NAMESPACE, nullptr, 5); },
                            +[](proc_writer* writer) { proc_put_text(writer, PROC_REQUEST_NAMESPACE, nullptr); },
                            +[](proc_writer* writer) { proc_put_entry(writer, 1, "k", nullptr); }}) {
    proc_writer writer = proc_writer_on(buffer, sizeof(buffer));
    write(&writer);
    EXPECT_EQ(proc_writer_status(&writer), PROC_ERR_INVALID_ARGUMENT);
  }
  proc_writer writer = proc_writer_on(buffer, sizeof(buffer));
  proc_put_text_of(&writer, PROC_REQUEST_NAMESPACE, nullptr, 0);
  EXPECT_EQ(proc_writer_status(&writer), PROC_OK);
}

TEST(RequestWriter, FieldsHaveTheNumbersOfTheContract) {
  const std::map<std::string, std::map<std::string, int>> known{
      {"AllocationRequest",
       {{"namespace", PROC_REQUEST_NAMESPACE},
        {"multiClusterSetting", PROC_REQUEST_MULTI_CLUSTER_SETTING},
        {"requiredGameServerSelector", PROC_REQUEST_REQUIRED_GAME_SERVER_SELECTOR},
        {"preferredGameServerSelectors", PROC_REQUEST_PREFERRED_GAME_SERVER_SELECTORS},
        {"scheduling", PROC_REQUEST_SCHEDULING},
        {"metaPatch", PROC_REQUEST_META_PATCH},
        {"metadata", PROC_REQUEST_METADATA},
        {"gameServerSelectors", PROC_REQUEST_GAME_SERVER_SELECTORS},
        {"priorities", PROC_REQUEST_PRIORITIES},
        {"counters", PROC_REQUEST_COUNTERS},
        {"lists", PROC_REQUEST_LISTS}}},
      {"MultiClusterSetting",
       {{"enabled", PROC_MULTI_CLUSTER_ENABLED}, {"policySelector", PROC_MULTI_CLUSTER_POLICY_SELECTOR}}},
      {"LabelSelector", {{"matchLabels", PROC_LABEL_SELECTOR_MATCH_LABELS}}},
      {"MetaPatch", {{"labels", PROC_METADATA_LABELS}, {"annotations", PROC_METADATA_ANNOTATIONS}}},
      {"GameServerSelector",
       {{"matchLabels", PROC_SELECTOR_MATCH_LABELS},
        {"gameServerState", PROC_SELECTOR_GAME_SERVER_STATE},
        {"counters", PROC_SELECTOR_COUNTERS},
        {"lists", PROC_SELECTOR_LISTS},
        {"matchExpressions", PROC_SELECTOR_MATCH_EXPRESSIONS}}},
      {"LabelMatchExpressions",
       {{"key", PROC_EXPRESSION_KEY}, {"operator", PROC_EXPRESSION_OPERATOR}, {"values", PROC_EXPRESSION_VALUES}}},
      {"CounterSelector",
       {{"minCount", PROC_COUNTER_SELECTOR_MIN_COUNT},
        {"maxCount", PROC_COUNTER_SELECTOR_MAX_COUNT},
        {"minAvailable", PROC_COUNTER_SELECTOR_MIN_AVAILABLE},
        {"maxAvailable", PROC_COUNTER_SELECTOR_MAX_AVAILABLE}}},
      {"ListSelector",
       {{"containsValue", PROC_LIST_SELECTOR_CONTAINS_VALUE},
        {"minAvailable", PROC_LIST_SELECTOR_MIN_AVAILABLE},
        {"maxAvailable", PROC_LIST_SELECTOR_MAX_AVAILABLE}}},
      {"Priority", {{"type", PROC_PRIORITY_TYPE}, {"key", PROC_PRIORITY_KEY}, {"order", PROC_PRIORITY_ORDER}}},
      {"CounterAction",
       {{"action", PROC_COUNTER_ACTION_ACTION},
        {"amount", PROC_COUNTER_ACTION_AMOUNT},
        {"capacity", PROC_COUNTER_ACTION_CAPACITY}}},
      {"ListAction",
       {{"addValues", PROC_LIST_ACTION_ADD_VALUES},
        {"capacity", PROC_LIST_ACTION_CAPACITY},
        {"deleteValues", PROC_LIST_ACTION_DELETE_VALUES}}},
  };
  const auto* file = allocation::AllocationRequest::descriptor()->file();
  std::size_t messages = 0;
  for (int i = 0; i < file->message_type_count(); ++i) {
    const auto& message = *file->message_type(i);
    if (message.name() == "AllocationResponse") {
      continue;
    }
    ++messages;
    ASSERT_EQ(known.count(message.name()), 1U) << message.name();
    const auto& fields = known.at(message.name());
    EXPECT_EQ(fields.size(), static_cast<std::size_t>(message.field_count())) << message.name();
    for (int j = 0; j < message.field_count(); ++j) {
      ASSERT_EQ(fields.count(message.field(j)->name()), 1U) << message.field(j)->full_name();
      EXPECT_EQ(fields.at(message.field(j)->name()), message.field(j)->number()) << message.field(j)->full_name();
    }
  }
  EXPECT_EQ(known.size(), messages);
  const auto number = [&](const char* type, const char* name) {
    return google::protobuf::DescriptorPool::generated_pool()
        ->FindEnumTypeByName(type)
        ->FindValueByName(name)
        ->number();
  };
  EXPECT_EQ(number("allocation.AllocationRequest.SchedulingStrategy", "Distributed"), PROC_SCHEDULING_DISTRIBUTED);
  EXPECT_EQ(number("allocation.GameServerSelector.GameServerState", "ALLOCATED"), PROC_STATE_ALLOCATED);
  EXPECT_EQ(number("allocation.LabelMatchExpressions.Operator", "NotIn"), PROC_OPERATOR_NOT_IN);
  EXPECT_EQ(number("allocation.LabelMatchExpressions.Operator", "Exists"), PROC_OPERATOR_EXISTS);
  EXPECT_EQ(number("allocation.LabelMatchExpressions.Operator", "DoesNotExist"), PROC_OPERATOR_DOES_NOT_EXIST);
  EXPECT_EQ(number("allocation.Priority.Type", "List"), PROC_PRIORITY_TYPE_LIST);
  EXPECT_EQ(number("allocation.Priority.Order", "Descending"), PROC_ORDER_DESCENDING);
}

TEST(Response, ShowsWhatIsInTheMessage) {
  const allocation::AllocationResponse message = full_response();
  const std::string bytes = message.SerializeAsString();
  const Response response(bytes);
  EXPECT_EQ(response.game_server_name(), message.gameservername());
  EXPECT_EQ(response.address(), message.address());
  EXPECT_EQ(response.node_name(), message.nodename());
  EXPECT_EQ(response.source(), message.source());
  ASSERT_EQ(response.ports().size(), static_cast<std::size_t>(message.ports_size()));
  EXPECT_EQ(response.ports()[0].name, message.ports(0).name());
  EXPECT_EQ(response.ports()[0].port, message.ports(0).port());
  ASSERT_EQ(response.addresses().size(), static_cast<std::size_t>(message.addresses_size()));
  EXPECT_EQ(response.addresses()[0].type, message.addresses(0).type());
  EXPECT_EQ(response.addresses()[0].address, message.addresses(0).address());
  const auto expect_texts = [](const Response::Texts& texts, const auto& expected) {
    EXPECT_EQ(texts.size(), expected.size());
    for (const auto& [key, value] : expected) {
      EXPECT_EQ(texts.at(key), value) << key;
    }
  };
  expect_texts(response.labels(), message.metadata().labels());
  expect_texts(response.annotations(), message.metadata().annotations());
  ASSERT_EQ(response.counters().size(), message.counters().size());
  for (const auto& [name, counter] : message.counters()) {
    EXPECT_EQ(response.counters().at(name).count, counter.count().value());
    EXPECT_EQ(response.counters().at(name).capacity, counter.capacity().value());
  }
  ASSERT_EQ(response.lists().size(), message.lists().size());
  for (const auto& [name, list] : message.lists()) {
    EXPECT_EQ(response.lists().at(name).capacity, list.capacity().value());
    EXPECT_EQ(response.lists().at(name).values,
              std::vector<std::string_view>(list.values().begin(), list.values().end()));
  }
}

TEST(Response, OfAMessageThatIsCutOffShowsTheBeginning) {
  const std::string bytes = full_response().SerializeAsString();
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);  // on its own, so that AddressSanitizer sees its end
    const Response response(cut);
    EXPECT_LE(response.ports().size() + response.addresses().size() + response.lists().size() +
                  response.counters().size() + response.labels().size() + response.annotations().size(),
              100U);
    EXPECT_TRUE(response.game_server_name().empty() || response.game_server_name() == "gs-1");
  }
}

}  // namespace
}  // namespace agones::test
