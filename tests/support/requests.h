// SPDX-License-Identifier: Apache-2.0
// Requests and answers that several tests use.
#pragma once

#include <allocation/allocation.pb.h>

#include <utility>

namespace agones::test {

inline constexpr const char* kGoodJsonRequests[] = {
    R"({"namespace":"default"})",
    R"({"namespace":"default","scheduling":"Distributed","multiClusterSetting":{"enabled":true,
        "policySelector":{"matchLabels":{"a":"b"}}}})",
    R"({"namespace":"default","scheduling":1})",
    R"({"namespace":"default","gameServerSelectors":[
        {"matchLabels":{"agones.dev/fleet":"arena"},"gameServerState":"ALLOCATED",
         "matchExpressions":[{"key":"mode","operator":"NotIn","values":["a","b"]}],
         "counters":{"rooms":{"minAvailable":"1","maxAvailable":5}},
         "lists":{"players":{"containsValue":"x","minAvailable":2e0}}},
        {}]})",
    R"({"namespace":"default","metadata":{"labels":{"mode":"arena"},"annotations":{"map":"\u00e4\ud83d\ude00"}}})",
    R"({"namespace":"default","priorities":[{"type":"List","key":"players","order":"Descending"},{"key":"k"}]})",
    R"({"namespace":"default","counters":{"rooms":{"action":"Increment","amount":"1","capacity":0}},
        "lists":{"players":{"addValues":["p1",""],"capacity":"-1","deleteValues":[]}}})",
    R"({"multiClusterSetting":{"enabled":true}})",
    R"({"namespace":"default","scheduling":7,"priorities":[{"type":1}]})",
    R"({"namespace":"default","metadata":null,"counters":{"c":{"amount":-9223372036854775808}}})",
};

inline constexpr std::pair<const char*, const char*> kBadJsonRequests[] = {
    {"", "malformed JSON"},
    {"{", "malformed JSON"},
    {"[]", "expected an object, got array"},
    {"null", "expected an object"},
    {"{}", "namespace: missing"},
    {R"({"namespace":""})", "namespace: missing"},
    {R"({"namespace":null})", "namespace: missing"},
    {R"({"namespace":7})", "namespace: expected a string, got number"},
    {R"({"namespace":"n","fleet":"x"})", "fleet: unknown field"},
    {R"({"namespace":"n","namespace":"m"})", "namespace: given twice"},
    {R"({"namespace":"n","gameServerSelectors":{}})", "gameServerSelectors: expected an array, got object"},
    {R"({"namespace":"n","gameServerSelectors":[{},{"matchLabels":{"a":1}}]})",
     "gameServerSelectors[1].matchLabels[\"a\"]: expected a string, got number"},
    {R"({"namespace":"n","gameServerSelectors":[{"gameServerState":"Ready"}]})",
     "gameServerSelectors[0].gameServerState: expected one of READY, ALLOCATED"},
    {R"({"namespace":"n","gameServerSelectors":[null]})", "gameServerSelectors[0]: expected an object, got null"},
    {R"({"namespace":"n","scheduling":"9"})", "scheduling: expected one of Packed, Distributed, got 9"},
    {R"({"namespace":"n","scheduling":2147483648})", "scheduling: not a whole number in range: 2147483648"},
    {R"({"namespace":"n","scheduling":1.5})", "scheduling: not a whole number in range: 1.5"},
    {R"({"namespace":"n","counters":{"c":{"amount":"05"}}})",
     "counters[\"c\"].amount: not a whole number in range: 05"},
    {R"({"namespace":"n","counters":{"c":{"amount":" 5"}}})",
     "counters[\"c\"].amount: not a whole number in range:  5"},
    {R"({"namespace":"n","counters":{"c":{"amount":05}}})", "malformed JSON"},
    {R"({"namespace":"n","counters":{"c":{"amount":"0x5"}}})", "amount: not a whole number"},
    {R"({"namespace":"n","counters":{"c":5}})", "counters[\"c\"]: expected an object, got number"},
    {R"({"namespace":"n","counters":{"c":null}})", "counters[\"c\"]: expected an object, got null"},
    {R"({"namespace":"n","counters":[]})", "counters: expected an object, got array"},
    {R"({"namespace":["n"]})", "namespace: expected a string, got array"},
    {R"({"namespace":{}})", "namespace: expected a string, got object"},
    {R"({"namespace":"n","lists":{"l":{"addValues":["a",5]}}})",
     "lists[\"l\"].addValues[1]: expected a string, got number"},
    {R"({"namespace":"n","metadata":{"labels":{"a":"1","b":"2","a":"3"}}})", "metadata.labels: \"a\" given twice"},
    {R"({"namespace":"n","gameServerSelectors":[{"matchLabel":{}}]})",
     "gameServerSelectors[0].matchLabel: unknown field"},
    {"{\"namespace\":\"n\"} x", "malformed JSON"},
    {"{\"namespace\":\"n\"}{}", "malformed JSON"},
    {"\xef\xbb\xbf{\"namespace\":\"n\"}", "malformed JSON"},
    {R"({"multiClusterSetting":{"enabled":false}})", "namespace: missing"},
    {R"({"namespace":"\ud800"})", "malformed JSON"},
    {R"({"namespace":"\udc00"})", "namespace: not valid UTF-8"},
    {R"({"namespace":"n","counters":{"c":{"amount":1.5}}})", "counters[\"c\"].amount: not a whole number"},
    {R"({"namespace":"n","counters":{"c":{"amount":"9223372036854775808"}}})", "amount: not a whole number in range"},
    {R"({"namespace":"n","counters":{"c":{"amount":true}}})", "amount: expected a whole number, got boolean"},
    {R"({"namespace":"n","multiClusterSetting":{"enabled":"yes"}})", "enabled: expected true or false"},
    {"{\"namespace\":\"\xff\"}", "namespace: not valid UTF-8"},
    {R"({"namespace":"n","counters":{"c":{"amount":1e9999}}})", "malformed JSON at byte 43: Number too big"},
};

// A request with every field of the contract.
inline allocation::AllocationRequest full_request() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  allocation::AllocationRequest request;
  request.set_namespace_("default");
  request.mutable_multiclustersetting()->set_enabled(true);
  (*request.mutable_multiclustersetting()->mutable_policyselector()->mutable_matchlabels())["a"] = "b";
  (*request.mutable_requiredgameserverselector()->mutable_matchlabels())["c"] = "d";
  request.add_preferredgameserverselectors()->set_gameserverstate(allocation::GameServerSelector::ALLOCATED);
  request.set_scheduling(allocation::AllocationRequest::Distributed);
  (*request.mutable_metapatch()->mutable_labels())["e"] = "f";
  (*request.mutable_metadata()->mutable_annotations())["g"] = "h";
  auto* selector = request.add_gameserverselectors();
  (*selector->mutable_matchlabels())["i"] = "j";
  auto* expression = selector->add_matchexpressions();
  expression->set_key("k");
  expression->set_operator_(allocation::LabelMatchExpressions::NotIn);
  expression->add_values("l");
  (*selector->mutable_counters())["m"].set_minavailable(3);
  (*selector->mutable_lists())["n"].set_containsvalue("o");
  auto* priority = request.add_priorities();
  priority->set_type(allocation::Priority::List);
  priority->set_key("p");
  priority->set_order(allocation::Priority::Descending);
  auto& counter = (*request.mutable_counters())["q"];
  counter.mutable_action()->set_value("Increment");
  counter.mutable_amount()->set_value(-4);
  auto& list = (*request.mutable_lists())["r"];
  list.add_addvalues("s");
  list.mutable_capacity()->set_value(5);
  list.add_deletevalues("t");
  return request;
#pragma GCC diagnostic pop
}

// A response with every field of the contract.
inline allocation::AllocationResponse full_response() {
  allocation::AllocationResponse response;
  response.set_gameservername("gs-1");
  for (const int port : {7000, 7001}) {
    auto* added = response.add_ports();
    added->set_name("port-" + std::to_string(port));
    added->set_port(port);
  }
  response.set_address("192.0.2.1");
  response.set_nodename("node-1");
  response.set_source("local");
  (*response.mutable_metadata()->mutable_labels())["a"] = "b";
  (*response.mutable_metadata()->mutable_annotations())["c"] = "\xc3\xa4 \"quoted\"";
  auto* address = response.add_addresses();
  address->set_type("InternalIP");
  address->set_address("10.0.0.1");
  (*response.mutable_counters())["rooms"].mutable_count()->set_value(7);
  (*response.mutable_counters())["rooms"].mutable_capacity()->set_value(0);
  (*response.mutable_lists())["players"].add_values("p1");
  (*response.mutable_lists())["players"].mutable_capacity()->set_value(9223372036854775807);
  return response;
}

}  // namespace agones::test
