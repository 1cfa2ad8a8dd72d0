// SPDX-License-Identifier: Apache-2.0
// Requests in, answers out: JSON and protobuf, with the real Protobuf as the referee.
#include <allocation/allocation.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "request/json_message.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "support/requests.h"
#include "wire/reader.h"

namespace agones::plugin {
namespace {

using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::MessageToJsonString;

TEST(JsonRequest, SaysWhatProtobufsOwnParserSays) {
  for (const char* json : test::kGoodJsonRequests) {
    allocation::AllocationRequest expected;
    ASSERT_TRUE(JsonStringToMessage(json, &expected).ok()) << json;
    const JsonRequest request(json);
    ASSERT_EQ(request.problem(), "") << json;
    allocation::AllocationRequest parsed;
    ASSERT_TRUE(parsed.ParseFromString(std::string(request.bytes()))) << json;
    EXPECT_TRUE(MessageDifferencer::Equals(parsed, expected)) << json << "\n" << parsed.DebugString();
    EXPECT_EQ(check_protobuf_request(request.bytes()).text, "") << json;
  }
}

// The request that a manifest means, as JSON of Protobuf's own.
std::string meaning_of(const std::string& manifest) {
  const JsonRequest request(manifest, JsonRequest::Form::kManifest);
  EXPECT_EQ(request.problem(), "") << manifest;
  allocation::AllocationRequest message;
  EXPECT_TRUE(message.ParseFromArray(request.bytes().data(), static_cast<int>(request.bytes().size())));
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json).ok());
  return json;
}

TEST(ManifestRequest, EveryFieldOfTheTypeIsCarriedOver) {
  EXPECT_EQ(
      meaning_of(R"({"apiVersion":"allocation.agones.dev/v1","kind":"GameServerAllocation",
    "metadata":{"name":"x","generateName":null,"namespace":"games","labels":{"a":["b",{"c":1}]}},
    "spec":{
      "multiClusterSetting":{"enabled":true,"policySelector":{"matchLabels":{"region":"eu"}}},
      "required":{"matchLabels":{"mode":"x"},"gameServerState":"Ready"},
      "preferred":[{"gameServerState":"Allocated"}],
      "selectors":[{"matchLabels":{"agones.dev/fleet":"f"},"gameServerState":"Allocated",
        "matchExpressions":[{"key":"k","operator":"NotIn","values":["v"]}],
        "counters":{"rooms":{"minCount":1,"maxCount":2,"minAvailable":3,"maxAvailable":4}},
        "lists":{"players":{"containsValue":"p","minAvailable":1,"maxAvailable":2}}}],
      "scheduling":"Distributed",
      "metadata":{"labels":{"l":"1"},"annotations":{"n":"2"}},
      "priorities":[{"type":"List","key":"players","order":"Descending"}],
      "counters":{"rooms":{"action":"Increment","amount":1,"capacity":9}},
      "lists":{"players":{"addValues":["a"],"deleteValues":["b"],"capacity":5}}},
    "status":{"state":"Allocated","ports":[{"port":1}]}})"),
      R"({"namespace":"games","multiClusterSetting":{"enabled":true,"policySelector":{"matchLabels":{"region":"eu"}}},)"
      R"("requiredGameServerSelector":{"matchLabels":{"mode":"x"}},)"
      R"("preferredGameServerSelectors":[{"gameServerState":"ALLOCATED"}],"scheduling":"Distributed",)"
      R"("metadata":{"labels":{"l":"1"},"annotations":{"n":"2"}},)"
      R"("gameServerSelectors":[{"matchLabels":{"agones.dev/fleet":"f"},"gameServerState":"ALLOCATED",)"
      R"("counters":{"rooms":{"minCount":"1","maxCount":"2","minAvailable":"3","maxAvailable":"4"}},)"
      R"("lists":{"players":{"containsValue":"p","minAvailable":"1","maxAvailable":"2"}},)"
      R"("matchExpressions":[{"key":"k","operator":"NotIn","values":["v"]}]}],)"
      R"("priorities":[{"type":"List","key":"players","order":"Descending"}],)"
      R"("counters":{"rooms":{"action":"Increment","amount":"1","capacity":"9"}},)"
      R"("lists":{"players":{"addValues":["a"],"capacity":"5","deleteValues":["b"]}}})");
}

TEST(ManifestRequest, WhatIsLeftOutHasItsDefault) {
  EXPECT_EQ(meaning_of("{}"), R"({"namespace":"default"})");
  EXPECT_EQ(meaning_of(R"({"metadata":{"namespace":null},"spec":{"selectors":[{}]},"status":null})"),
            R"({"namespace":"default","gameServerSelectors":[{}]})");
  // An order of members in which the namespace comes last.
  EXPECT_EQ(meaning_of(R"({"spec":{"scheduling":"Packed"},"metadata":{"x":{"namespace":"no"},"namespace":"games"}})"),
            R"({"namespace":"games"})");
}

TEST(ManifestRequest, WhatCannotBeCarriedOverIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"kind":"Fleet"})", "kind: expected one of GameServerAllocation, got Fleet"},
      {R"({"apiVersion":"agones.dev/v1"})", "apiVersion: expected one of allocation.agones.dev/v1, got agones.dev/v1"},
      {R"({"spec":{"selector":[]}})", "spec.selector: unknown field"},
      {R"({"spec":{"metaPatch":{}}})", "spec.metaPatch: unknown field"},
      {R"({"spec":{"selectors":[{"gameServerState":"READY"}]}})",
       "spec.selectors[0].gameServerState: expected one of Ready, Allocated, got READY"},
      {R"({"spec":{"selectors":[{"players":{"minAvailable":1}}]}})", "spec.selectors[0].players: unknown field"},
      {R"({"spec":{"multiClusterSetting":{"policySelector":{"matchExpressions":[]}}}})",
       "spec.multiClusterSetting.policySelector.matchExpressions: unknown field"},
      {R"({"namespace":"default"})",
       "namespace: unknown field; this is an AllocationRequest, to be given in the format JSON"},
      {R"({"spec":{},"spec":{}})", "spec: given twice"},
      {R"([])", "expected an object, got array"},
  };
  for (const auto& [json, problem] : cases) {
    EXPECT_EQ(JsonRequest(json, JsonRequest::Form::kManifest).problem(), problem) << json;
  }
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_EQ(JsonRequest(R"({"status":{"x":)" + deep + "}}", JsonRequest::Form::kManifest).problem(),
            "status: nested too deeply");
}

TEST(JsonRequest, AManifestIsRecognised) {
  for (const char* json :
       {R"({"apiVersion":"allocation.agones.dev/v1"})", R"({"kind":"GameServerAllocation"})", R"({"spec":{}})"}) {
    const std::string problem = JsonRequest(json).problem();
    EXPECT_NE(problem.find(": unknown field; this is a manifest of Kubernetes, to be given in the format MANIFEST"),
              std::string::npos)
        << problem;
  }
}

// ---- unknown_fields: ignore --------------------------------------------------------------------------------

struct Ignored {
  std::string meaning;  // or what is wrong
  std::uint64_t count;
  std::vector<std::string> names;
};

Ignored ignoring(const std::string& json, JsonRequest::Form form = JsonRequest::Form::kRequest) {
  const JsonRequest request(json, form, JsonRequest::Unknown::kIgnore);
  if (!request.problem().empty()) {
    return {request.problem(), request.ignored(), request.ignored_names()};
  }
  EXPECT_EQ(check_protobuf_request(request.bytes()).text, "") << json;
  allocation::AllocationRequest message;
  EXPECT_TRUE(message.ParseFromArray(request.bytes().data(), static_cast<int>(request.bytes().size()))) << json;
  std::string meaning;
  EXPECT_TRUE(MessageToJsonString(message, &meaning).ok());
  return {meaning, request.ignored(), request.ignored_names()};
}

TEST(UnknownFields, ArePassedOverWithTheirValues) {
  const Ignored got = ignoring(R"({"nmespace":[1,{"a":[null]}],"namespace":"n","metadata":null,"metaPatch":null,
    "scheduling":null,"priorities":null,"counters":{"rooms":{"amount":null,"action":"Increment","note":"x"}},
    "gameServerSelectors":[{"matchLabels":null,"players":{"minAvailable":1,"maxAvailable":10}},{"matchLabels":{"players":"kept"}}]})");
  EXPECT_EQ(got.meaning, R"({"namespace":"n","gameServerSelectors":[{},{"matchLabels":{"players":"kept"}}],)"
                         R"("counters":{"rooms":{"action":"Increment"}}})");
  EXPECT_EQ(got.count, 3U);
  EXPECT_EQ(got.names, (std::vector<std::string>{"nmespace", "counters.note", "gameServerSelectors.players"}));
}

TEST(UnknownFields, SoAreNamesThatAnEnumDoesNotHave) {
  const Ignored got = ignoring(R"({"namespace":"n","scheduling":"distributed","priorities":[{"type":"list","key":"k"}],
    "gameServerSelectors":[{"gameServerState":"","matchExpressions":[{"key":"k","operator":"exists"}]}]})");
  EXPECT_EQ(
      got.meaning,
      R"({"namespace":"n","gameServerSelectors":[{"matchExpressions":[{"key":"k"}]}],"priorities":[{"key":"k"}]})");
  EXPECT_EQ(got.names, (std::vector<std::string>{"scheduling=distributed", "priorities.type=list",
                                                 "gameServerSelectors.gameServerState=",
                                                 "gameServerSelectors.matchExpressions.operator=exists"}));
}

TEST(UnknownFields, WhatIsNoNameIsRefusedAsEver) {
  for (const auto& [json, problem] : test::kBadJsonRequests) {
    const std::string said = problem;
    const bool by_name =
        said.find("unknown field") != std::string::npos || said.find("expected one of") != std::string::npos;
    EXPECT_EQ(ignoring(json).meaning.find(problem) == std::string::npos, by_name) << json;
  }
  EXPECT_EQ(ignoring(R"({"namespace":"n","gameServerSelectors":[null]})").meaning,
            "gameServerSelectors[0]: expected an object, got null");
  EXPECT_EQ(ignoring(R"({"namespace":"n","metadata":{"labels":{"a":null}}})").meaning,
            R"(metadata.labels["a"]: expected a string, got null)");
}

TEST(UnknownFields, GoodRequestsMeanTheSame) {
  for (const char* json : test::kGoodJsonRequests) {
    const JsonRequest request(json, JsonRequest::Form::kRequest, JsonRequest::Unknown::kIgnore);
    EXPECT_EQ(request.problem(), "") << json;
    EXPECT_EQ(request.bytes(), JsonRequest(json).bytes()) << json;
    EXPECT_EQ(request.ignored(), 0U) << json;
  }
}

TEST(UnknownFields, OfManifestsTooButNotTheNamesOfEnums) {
  const Ignored got =
      ignoring(R"({"kind":"GameServerAllocation","spec":{"selectors":[{"players":{}}],"metaPatch":{}},"x":1})",
               JsonRequest::Form::kManifest);
  EXPECT_EQ(got.meaning, R"({"namespace":"default","gameServerSelectors":[{}]})");
  EXPECT_EQ(got.names, (std::vector<std::string>{"spec.selectors.players", "spec.metaPatch", "x"}));
  EXPECT_EQ(ignoring(R"({"kind":"Fleet"})", JsonRequest::Form::kManifest).meaning,
            "kind: expected one of GameServerAllocation, got Fleet");
  EXPECT_EQ(ignoring(R"({"spec":{"selectors":[{"gameServerState":"ready"}]}})", JsonRequest::Form::kManifest).meaning,
            "spec.selectors[0].gameServerState: expected one of Ready, Allocated, got ready");
}

TEST(UnknownFields, TheOtherFormIsNoRequestForJustAnything) {
  EXPECT_EQ(ignoring(R"({"kind":"GameServerAllocation","metadata":{"namespace":"n"},"spec":{}})").meaning,
            "namespace: missing; this is a manifest of Kubernetes, to be given in the format MANIFEST");
  EXPECT_EQ(
      ignoring(R"({"namespace":"n","gameServerSelectors":[],"metadata":{}})", JsonRequest::Form::kManifest).meaning,
      "spec: missing; this is an AllocationRequest, to be given in the format JSON");
}

TEST(UnknownFields, AreBoundedInNumberAndLength) {
  std::string json = R"({"namespace":"n")";
  for (int i = 0; i < 1000; ++i) {
    json += ",\"" + std::string(1000, 'x') + std::to_string(i) + "\":" + std::to_string(i);
  }
  const Ignored got = ignoring(json + "}");
  EXPECT_EQ(got.meaning, R"({"namespace":"n"})");
  EXPECT_EQ(got.count, 1000U);
  EXPECT_EQ(got.names.size(), 16U);
  EXPECT_EQ(got.names[0], std::string(64, 'x') + "...");
}

// ---- the wrong format ---------------------------------------------------------------------------------------

TEST(ProtobufRequest, TextIsSaidToBeText) {
  const std::pair<std::string_view, const char*> cases[] = {
      {R"({"apiVersion":"allocation.agones.dev/v1","kind":"GameServerAllocation","spec":{}})",
       "; this is a manifest of Kubernetes in JSON, to be given in the format MANIFEST"},
      {"\xef\xbb\xbf \n{\"kind\": \"GameServerAllocation\"}",
       "; this is a manifest of Kubernetes in JSON, to be given in the format MANIFEST"},
      {R"({"namespace":"default"})", "; this is JSON, to be given in the format JSON"},
      {"apiVersion: allocation.agones.dev/v1\nkind: GameServerAllocation\nspec: {}\n",
       "; this is YAML: a manifest is to be given as JSON, in the format MANIFEST"},
      {"# mine\r\nkind: GameServerAllocation\r\n",
       "; this is YAML: a manifest is to be given as JSON, in the format MANIFEST"},
      {"---\nkind: GameServerAllocation\n",
       "; this is YAML: a manifest is to be given as JSON, in the format MANIFEST"},
      {std::string_view("k8s\0\n\x0a\x18"
                        "allocation.agones.dev/v1",
                        30),
       "; these are Kubernetes' own Protobuf bytes: a manifest is to be given as JSON, in the format MANIFEST"},
  };
  for (const auto& [body, hint] : cases) {
    const std::string problem = check_protobuf_request(body).text;
    EXPECT_NE(problem.find(hint), std::string::npos) << body << ": " << problem;
  }
  EXPECT_EQ(check_protobuf_request("\xff").text, "malformed protobuf");
  EXPECT_EQ(check_protobuf_request("\x28\x01").text, "namespace: missing");
}

TEST(JsonRequest, YamlIsSaidToBeYaml) {
  for (const char* text :
       {"apiVersion: allocation.agones.dev/v1", "---\nkind: x", "# x\nkind: x", "namespace: default"}) {
    for (const auto form : {JsonRequest::Form::kRequest, JsonRequest::Form::kManifest}) {
      const std::string problem = JsonRequest(text, form).problem();
      EXPECT_EQ(problem.rfind("malformed JSON at byte ", 0), 0U) << problem;
      EXPECT_NE(problem.find(": Invalid value; this is YAML, to be given as JSON"), std::string::npos) << problem;
    }
  }
  EXPECT_EQ(JsonRequest("\xef\xbb\xbf{}").problem(),
            "malformed JSON at byte 0: Invalid value; it begins with a byte order mark, which is no part of JSON");
}

TEST(JsonRequest, ProblemsNameTheField) {
  for (const auto& [json, problem] : test::kBadJsonRequests) {
    EXPECT_NE(JsonRequest(json).problem().find(problem), std::string::npos)
        << json << " gave: " << JsonRequest(json).problem();
  }
}

TEST(JsonRequest, TakesEveryNumberThatTheProcessorsReaderTakes) {
  // C++ Protobuf refuses some of these, Go's protojson none.
  const std::pair<const char*, std::int64_t> cases[] = {
      {"\"5.0\"", 5},
      {"1e3", 1000},
      {"\"1e3\"", 1000},
      {"1E+3", 1000},
      {"1500e-2", 15},
      {"\"1.50e1\"", 15},
      {"-0", 0},
      {"\"-0.0e5\"", 0},
      {"9007199254740993.0", 9007199254740993},
      {"\"9223372036854775807\"", 9223372036854775807},
      {"922337203685477580.7e1", 9223372036854775807},
      {"-9223372036854775808", INT64_MIN},
      {"\"0e999999999999999999999\"", 0},
  };
  for (const auto& [text, value] : cases) {
    const JsonRequest request(R"({"namespace":"n","counters":{"c":{"amount":)" + std::string(text) + "}}}");
    ASSERT_EQ(request.problem(), "") << text;
    allocation::AllocationRequest parsed;
    ASSERT_TRUE(parsed.ParseFromString(std::string(request.bytes())));
    EXPECT_EQ(parsed.counters().at("c").amount().value(), value) << text;
  }
  for (const char* text : {"\"9223372036854775808\"", "9223372036854775808", "1.5", "\"15e-1\"", "\"\"", "\"5 \"",
                           "\"+5\"", "\"5.\"", "\".5\"", "\"1e\"", "\"--5\"", "\"1e99\"", "\"5\\u0000\""}) {
    EXPECT_NE(JsonRequest(R"({"namespace":"n","counters":{"c":{"amount":)" + std::string(text) + "}}}").problem(), "")
        << text;
  }
}

TEST(JsonRequest, EndsWhereItsTextEnds) {
  const std::string good = R"({"namespace":"n"})";
  EXPECT_EQ(JsonRequest(good + " \n").problem(), "");
  EXPECT_EQ(JsonRequest(good + std::string("\0rubbish", 8)).problem(), "malformed JSON: NUL at byte 17");
  EXPECT_NE(JsonRequest("\xef\xbb\xbf" + good).problem(), "");
}

TEST(JsonRequest, NoControlCharacterStandsInAString) {
  for (char control = 0x01; control < 0x20; ++control) {
    // At every distance from the next multiple of 16.
    for (std::size_t before = 0; before < 40; ++before) {
      const std::string name = std::string(before, 'x') + control + std::string(40, 'y');
      EXPECT_NE(JsonRequest("{\"namespace\":\"" + name + "\"}").problem(), "") << int{control} << " at " << before;
      EXPECT_NE(JsonRequest("{\"namespace\":\"n\",\"metadata\":{\"labels\":{\"" + name + "\":\"\"}}}").problem(), "");
    }
  }
}

TEST(JsonRequest, DeepNestingCostsNoStack) {
  const std::string deep = R"({"namespace":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(JsonRequest(deep).problem(), "namespace: expected a string, got array");
}

TEST(JsonRequest, LongTextsAndManyKeysAreReadInTheirOrder) {
  std::string labels;
  for (int i = 0; i < 20'000; ++i) {
    labels += (labels.empty() ? "" : ",") + ("\"key-" + std::to_string(i) + "\":\"" + std::string(i % 300, 'v') + "\"");
  }
  const std::string json = R"({"namespace":"n","metadata":{"labels":{)" + labels + R"(}},"gameServerSelectors":[{}]})";
  const JsonRequest request(json);
  ASSERT_EQ(request.problem(), "");
  allocation::AllocationRequest expected;
  ASSERT_TRUE(JsonStringToMessage(json, &expected).ok());
  allocation::AllocationRequest parsed;
  ASSERT_TRUE(parsed.ParseFromString(std::string(request.bytes())));
  EXPECT_TRUE(MessageDifferencer::Equals(parsed, expected));
  EXPECT_NE(JsonRequest(json.substr(0, json.size() - 1) + R"(,"metadata":{}})").problem().find("given twice"),
            std::string::npos);
}

TEST(ProtobufRequest, AcceptsWhatItKnowsAndWhatItDoesNot) {
  const std::string full = test::full_request().SerializeAsString();
  EXPECT_EQ(check_protobuf_request(full).text, "");
  // Field 200, a varint: of a future version.
  EXPECT_EQ(check_protobuf_request(full + "\xc0\x0c\x01").text, "");
}

TEST(ProtobufRequest, EveryTruncationIsRefusedOrIsAWholePrefix) {
  const std::string full = test::full_request().SerializeAsString();
  int refused = 0;
  for (std::size_t size = 0; size < full.size(); ++size) {
    allocation::AllocationRequest parsed;
    const bool good = parsed.ParseFromString(full.substr(0, size)) && !parsed.namespace_().empty();
    EXPECT_EQ(check_protobuf_request(full.substr(0, size)).text.empty(), good) << size;
    refused += good ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

TEST(ProtobufRequest, ProblemsNameTheField) {
  const auto problem_of = [](const allocation::AllocationRequest& request) {
    return check_protobuf_request(request.SerializeAsString()).text;
  };
  allocation::AllocationRequest request;
  EXPECT_EQ(problem_of(request), "namespace: missing");
  request.set_namespace_("default");
  request.set_scheduling(static_cast<allocation::AllocationRequest::SchedulingStrategy>(7));
  EXPECT_EQ(problem_of(request), "") << "an enum is open, for the processor too";
  request.clear_namespace_();
  request.mutable_multiclustersetting()->set_enabled(true);
  EXPECT_EQ(problem_of(request), "");
  request.mutable_multiclustersetting()->set_enabled(false);
  EXPECT_EQ(problem_of(request), "namespace: missing");
  EXPECT_EQ(check_protobuf_request("\x0a\x02\xff\xfe").text, "namespace: not valid UTF-8");
  EXPECT_EQ(check_protobuf_request("\x08\x01").text, "namespace: malformed protobuf: wrong wire type");
  // gameServerSelectors { matchLabels { key: "a" value: <0xff> } }
  EXPECT_EQ(check_protobuf_request("\x42\x08\x0a\x06\x0a\x01"
                                   "a\x12\x01\xff")
                .text,
            "gameServerSelectors.matchLabels[\"a\"]: not valid UTF-8");
  EXPECT_EQ(check_protobuf_request("\xff").text, "malformed protobuf");
}

TEST(ProtobufRequest, TagsOfMoreThanFiveBytesAreRefused) {
  // Found by fuzz_protobuf_request.
  EXPECT_EQ(check_protobuf_request("\x0a\x01n\x88\x87\x87\x87\x87\x07\x01").text, "malformed protobuf");
  EXPECT_EQ(check_protobuf_request("\x0a\x01n\xf8\x80\x80\x80\x80\x10\x01").text, "malformed protobuf");
}

std::optional<std::string> response_to_json(const std::string& response) {
  if (!is_message(response, allocation_response_schema())) {
    return std::nullopt;
  }
  JsonText json;
  write_message(response, allocation_response_schema(), json);
  return std::string(json.view());
}

TEST(JsonResponse, SaysWhatProtobufsOwnPrinterSays) {
  const allocation::AllocationResponse response = test::full_response();
  const auto json = response_to_json(response.SerializeAsString());
  ASSERT_TRUE(json.has_value());
  allocation::AllocationResponse back;
  ASSERT_TRUE(JsonStringToMessage(*json, &back).ok()) << *json;
  EXPECT_TRUE(MessageDifferencer::Equals(back, response)) << *json;
}

TEST(JsonResponse, AMessageThatComesTwiceIsMerged) {
  allocation::AllocationResponse first;
  first.set_gameservername("gs-1");
  (*first.mutable_metadata()->mutable_labels())["a"] = "1";
  (*first.mutable_counters())["c"].mutable_count()->set_value(7);
  allocation::AllocationResponse second;
  (*second.mutable_metadata()->mutable_labels())["b"] = "2";
  second.mutable_metadata()->mutable_annotations();
  const std::string bytes = first.SerializeAsString() + second.SerializeAsString();
  allocation::AllocationResponse merged;
  ASSERT_TRUE(merged.ParseFromString(bytes));
  allocation::AllocationResponse back;
  const std::string json = response_to_json(bytes).value();
  ASSERT_TRUE(JsonStringToMessage(json, &back).ok()) << json;
  EXPECT_TRUE(MessageDifferencer::Equals(back, merged)) << json;
}

TEST(JsonResponse, FieldsInAnyOrderAndKeysThatComeAgainAreReadAsProtobufReadsThem) {
  // Every field as a message of its own, shuffled: to concatenate messages is to merge them.
  const std::string whole = test::full_response().SerializeAsString();
  std::vector<std::string> fields;
  Reader reader(whole);
  Field field;
  const char* begin = whole.data();
  while (reader.next(field)) {
    const char* end = field.type == WireType::kBytes ? field.bytes.data() + field.bytes.size() : begin;
    fields.emplace_back(begin, static_cast<std::size_t>(end - begin));
    begin = end;
  }
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) {
    std::shuffle(fields.begin(), fields.end(), random);
    std::string bytes;
    for (const std::string& one : fields) {
      bytes += one;
    }
    for (int key = 0; key < i; ++key) {
      allocation::AllocationResponse again;
      (*again.mutable_lists())["list-" + std::to_string(key % 30)].add_values(std::to_string(key));
      bytes += again.SerializeAsString();
    }
    allocation::AllocationResponse expected;
    ASSERT_TRUE(expected.ParseFromString(bytes));
    allocation::AllocationResponse back;
    const std::string json = response_to_json(bytes).value();
    ASSERT_TRUE(JsonStringToMessage(json, &back).ok()) << json;
    EXPECT_TRUE(MessageDifferencer::Equals(back, expected)) << json;
  }
}

std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t x = odd;
  for (int i = 0; i < 5; ++i) {
    x *= 2 - odd * x;
  }
  return x;
}

// Texts that std::hash<std::string_view> of libstdc++ makes one number of (MurmurHash64A, with a seed that never changes).
std::vector<std::string> colliding(std::size_t count) {
  constexpr std::uint64_t kFactor = 0xc6a4a7935bd1e995U;
  constexpr std::uint64_t kSeed = 0xc70f6907U;
  const std::uint64_t back = inverse(kFactor);
  std::vector<std::string> texts;
  for (std::uint64_t first = 1; first <= count; ++first) {
    std::uint64_t mixed = first * kFactor;
    mixed = (mixed ^ mixed >> 47U) * kFactor;
    const std::uint64_t state = ((kSeed ^ 16 * kFactor) ^ mixed) * kFactor;
    std::uint64_t second = (state ^ 42U) * back;
    second = (second ^ second >> 47U) * back;
    std::string& text = texts.emplace_back(16, '\0');
    std::memcpy(text.data(), &first, sizeof(first));
    std::memcpy(text.data() + sizeof(first), &second, sizeof(second));
  }
  return texts;
}

std::chrono::nanoseconds time_to_write(const std::vector<std::string>& labels) {
  std::string metadata;
  for (const std::string& label : labels) {
    metadata += "\x0a\x12\x0a\x10" + label;
  }
  allocation::AllocationResponse response;
  response.GetReflection()->MutableUnknownFields(&response)->AddLengthDelimited(7)->assign(metadata);
  const std::string bytes = response.SerializeAsString();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(response_to_json(bytes).has_value());
  return std::chrono::steady_clock::now() - start;
}

TEST(JsonResponse, KeysThatWereChosenToCollideTakeNoLonger) {
  constexpr std::size_t kKeys = 20'000;
  const std::vector<std::string> chosen = colliding(kKeys);
  ASSERT_EQ(std::hash<std::string_view>()(chosen.front()), std::hash<std::string_view>()(chosen.back()));
  std::vector<std::string> usual = chosen;
  for (std::size_t i = 0; i < kKeys; ++i) {
    usual[i][15] ^= static_cast<char>(i);
    usual[i][14] ^= static_cast<char>(i >> 8U);
  }
  EXPECT_LT(time_to_write(chosen), 20 * time_to_write(usual));
}

TEST(JsonResponse, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(response_to_json("\xff").has_value());
  EXPECT_EQ(response_to_json("").value(), "{}");
}

}  // namespace
}  // namespace agones::plugin
