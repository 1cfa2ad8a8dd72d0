// SPDX-License-Identifier: Apache-2.0
#include "behaviour/scenario.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <stdexcept>

#include "behaviour/recorded.h"
#include "local-processor/allocation/allocator.h"

namespace agones::test {

namespace {

using local::Allocator;
using local::GameServer;
using nlohmann::json;

local::Rules rules_from(const json& options) {
  local::Rules rules;
  rules.unallocated_http_status = options.value("unallocatedHttpStatus", rules.unallocated_http_status);
  rules.counts_and_lists = options.value("featureGates", "") != "CountsAndLists=false";
  for (const json& recorded : options.value("policies", json::array())) {
    local::Policy policy;
    policy.name = recorded.value("name", "");
    policy.space = recorded.value("namespace", "");
    policy.labels = recorded.value("labels", local::Labels{});
    policy.priority = recorded.value("priority", 0);
    policy.weight = recorded.value("weight", 0);
    policy.cluster = recorded.value("clusterName", "");
    policy.endpoints = recorded.value("allocationEndpoints", std::vector<std::string>{});
    policy.secret = recorded.value("secretName", "");
    policy.target_space = recorded.value("targetNamespace", "");
    rules.policies.push_back(std::move(policy));
  }
  return rules;
}

struct Decision : local::Decision {
  allocation::AllocationResponse response;
};

class Play {
 public:
  explicit Play(const json& scenario) : allocator_(rules_from(scenario.value("options", json::object())), 1) {
    for (GameServer& server : game_servers_from(scenario.at("gameServers"))) {
      put(std::move(server));
    }
    allocator_.set_writes([this] {
      if (fates_.empty()) {
        return local::Write::kOk;
      }
      const std::string fate = fates_.front();
      fates_.pop_front();
      return fate == "ok" ? local::Write::kOk : fate == "conflict" ? local::Write::kConflict : local::Write::kError;
    });
  }

  std::string step(const json& step) {
    allocator_.begin_list();
    if (step.contains("order")) {
      std::string problem = check_order(step);
      if (!problem.empty()) {
        return problem;
      }
    }
    if (step.contains("fleet")) {
      change_fleet(step.at("fleet"));
      return {};
    }
    if (step.contains("batch")) {
      return batch(step);
    }
    return single(step);
  }

 private:
  void put(GameServer server) {
    const std::string key = server.space + "/" + server.name;
    allocator_.put(server);
    before_[key] = std::move(server);
  }

  void change_fleet(const json& change) {
    for (const json& server : change.value("put", json::array())) {
      put(game_server_from(server));
    }
    for (const std::string key : change.value("remove", json::array())) {
      const std::size_t slash = key.find('/');
      allocator_.remove(key.substr(0, slash), key.substr(slash + 1));
      before_.erase(key);
    }
  }

  std::string check_order(const json& step) {
    const auto request = message_from<allocation::AllocationRequest>(step.at("request"));
    const local::SortKey key = local::sort_key_of(request);
    if (key.scheduling == local::Scheduling::kDistributed && key.priorities.empty()) {
      return {};
    }
    std::vector<std::string> names;
    for (const GameServer* server : allocator_.sorted(request.namespace_(), key)) {
      names.push_back(server->name);
    }
    return json(names) == step.at("order")
               ? std::string()
               : "expected the order " + step.at("order").dump() + ", got " + json(names).dump();
  }

  Decision decide(const json& request) {
    allocation::AllocationResponse response;
    const local::Decision decision = allocator_.decide(message_from<allocation::AllocationRequest>(request),
                                                       std::chrono::system_clock::now(), response);
    if (decision.allocated != nullptr) {
      allocator_.settle(decision.allocated);
    }
    return {decision, response};
  }

  std::string single(const json& step) {
    fates_ = step.value("updates", std::deque<std::string>{});
    Decision decision = decide(step.at("request"));
    if (step.contains("updateAttempts") && step.at("updateAttempts") != decision.writes) {
      return "expected " + step.at("updateAttempts").dump() + " writes, did " + std::to_string(decision.writes);
    }
    std::sort(decision.warnings.begin(), decision.warnings.end());
    if (step.contains("warnings") && step.at("warnings") != json(decision.warnings)) {
      return "expected the warnings " + step.at("warnings").dump() + ", got " + json(decision.warnings).dump();
    }
    std::string problem;
    for (const json& expected : step.value("anyOf", json::array({step}))) {
      problem = difference(expected, decision.result, decision.response);
      if (problem.empty()) {
        return check_changes(expected, {decision});
      }
    }
    return problem;
  }

  std::string batch(const json& step) {
    std::vector<Decision> decisions;
    for (const json& request : step.at("batch")) {
      decisions.push_back(decide(request));
    }
    if (step.contains("unordered")) {
      const std::string problem = check_unordered(step.at("unordered"), decisions);
      return problem.empty() ? check_changes(step, decisions) : problem;
    }
    std::string problem = "no outcome is recorded";
    for (const json& outcome : step.at("outcomes")) {
      const json& results = outcome.at("results");
      problem.clear();
      for (std::size_t i = 0; i < decisions.size() && problem.empty(); ++i) {
        problem = difference(results.at(i), decisions[i].result, decisions[i].response);
      }
      if (problem.empty()) {
        return in_order(outcome) ? check_changes(outcome, decisions)
                                 : "this outcome does not come about in the order of the requests";
      }
    }
    return "none of the outcomes; for the last: " + problem;
  }

  // The requests are taken in their order.
  static bool in_order(const json& outcome) {
    for (const char* orders : {"snapshotOrders", "sequentialOrders", "splitOrders"}) {
      for (std::string order : outcome.value(orders, std::vector<std::string>{})) {
        std::replace(order.begin(), order.end(), '|', ',');
        std::string expected;
        for (std::size_t i = 0; i < outcome.at("results").size(); ++i) {
          expected += (i > 0 ? "," : "") + std::to_string(i);
        }
        if (order == expected) {
          return true;
        }
      }
    }
    return false;
  }

  static std::string check_unordered(const json& expected, const std::vector<Decision>& decisions) {
    std::multiset<std::string> allocated;
    std::map<std::pair<int, std::string>, int> errors;
    for (const Decision& decision : decisions) {
      if (decision.result.code == 0) {
        allocated.insert(decision.response.gameservername());
      } else {
        ++errors[{decision.result.code, decision.result.message}];
      }
    }
    if (expected.contains("sequential")) {
      return check_between(expected, allocated, errors);
    }
    std::map<std::pair<int, std::string>, int> expected_errors;
    for (const json& error : expected.value("errors", json::array())) {
      expected_errors[{error.at("code"), error.at("message")}] = error.at("count");
    }
    if (errors != expected_errors) {
      return "expected the errors " + expected.value("errors", json::array()).dump() + ", got others";
    }
    if (expected.contains("distinct")) {
      const auto from = expected.at("from").get<std::set<std::string>>();
      const bool good = allocated.size() == expected.at("allocatedCount").get<std::size_t>() &&
                        std::set<std::string>(allocated.begin(), allocated.end()).size() == allocated.size() &&
                        std::includes(from.begin(), from.end(), allocated.begin(), allocated.end());
      return good ? std::string() : "not " + expected.dump() + " but " + json(allocated).dump();
    }
    const auto wanted = expected.value("allocated", std::multiset<std::string>{});
    return allocated == wanted ? std::string() : "not " + expected.dump() + " but " + json(allocated).dump();
  }

  // Between what comes of one list for all and of a list for each, with servers of either.
  static std::string check_between(const json& expected, const std::multiset<std::string>& allocated,
                                   const std::map<std::pair<int, std::string>, int>& errors) {
    const auto shared = expected.value("allocated", std::multiset<std::string>{});
    const auto alone = expected.at("sequential").value("allocated", std::multiset<std::string>{});
    std::set<std::string> servers(shared.begin(), shared.end());
    servers.insert(alone.begin(), alone.end());
    const std::size_t fewest = std::min(shared.size(), alone.size());
    const std::size_t most = std::max(shared.size(), alone.size());
    const bool good_servers = std::all_of(allocated.begin(), allocated.end(),
                                          [&](const std::string& name) { return servers.count(name) > 0; });
    const bool good_errors = std::all_of(errors.begin(), errors.end(), [&](const auto& error) {
      const json known = expected.value("errors", json::array());
      return std::any_of(known.begin(), known.end(), [&](const json& one) {
        return one.at("code") == error.first.first && one.at("message") == error.first.second;
      });
    });
    return allocated.size() >= fewest && allocated.size() <= most && good_servers && good_errors
               ? std::string()
               : "not between the two of " + expected.dump() + " but " + json(allocated).dump();
  }

  // What was allocated is as the answers say, or as `changed` says; all else is as before.
  std::string check_changes(const json& expected, const std::vector<Decision>& decisions) {
    std::map<std::string, allocation::AllocationResponse> responses;
    for (const Decision& decision : decisions) {
      if (decision.allocated != nullptr) {
        const GameServer& server = *decision.allocated;
        responses[server.space + "/" + server.name] = decision.response;
      }
    }
    std::set<std::string> named;
    for (const json& changed : expected.value("changed", json::array())) {
      const std::string key =
          changed.at("namespace").get<std::string>() + "/" + changed.at("gameServerName").get<std::string>();
      responses[key] = response_from(changed);
      named.insert(key);
    }
    if (expected.contains("changed") && named.size() != responses.size()) {
      return "more game servers changed than " + expected.at("changed").dump();
    }
    for (auto& [key, before] : before_) {
      const std::size_t slash = key.find('/');
      const GameServer* const now = allocator_.find(key.substr(0, slash), key.substr(slash + 1));
      if (now == nullptr) {
        return key + " is gone";
      }
      const auto changed = responses.find(key);
      std::string problem;
      if (changed != responses.end()) {
        problem = now->state == local::GameServerState::kAllocated ? difference(changed->second, *now)
                                                                   : "it is not allocated";
      } else if (now->state != before.state) {
        problem = "it changed its state";
      } else {
        problem = unchanged(before, *now);
      }
      if (!problem.empty()) {
        return key + " afterwards: " + problem;
      }
      before = *now;
    }
    return {};
  }

  static std::string unchanged(const GameServer& before, const GameServer& now) {
    allocation::AllocationResponse as_before;
    local::write_response(before, as_before);
    return difference(as_before, now).empty() ? std::string() : "it changed";
  }

  Allocator allocator_;
  std::map<std::string, GameServer> before_;
  std::deque<std::string> fates_;
};

}  // namespace

std::string missing_for(const json& scenario) {
  static const std::set<std::string> kHere = {"policies", "update-faults", "feature-gates", "fleet-changes"};
  for (std::string need : scenario.value("needs", json::array())) {
    if (kHere.count(need) == 0) {
      return need;
    }
  }
  return {};
}

std::string play(const json& scenario) {
  Play play(scenario);
  std::size_t number = 0;
  for (const json& step : scenario.at("steps")) {
    const std::string problem = play.step(step);
    if (!problem.empty()) {
      return "step " + std::to_string(number) + ": " + problem;
    }
    ++number;
  }
  return {};
}

std::string check_status_mapping(const json& mapping) {
  std::set<int> named;
  for (const json& entry : mapping.at("httpStatusToCode")) {
    const int http = entry.at("http");
    named.insert(http);
    if (local::code_of_http_status(http) != entry.at("code").get<int>()) {
      return "HTTP status " + std::to_string(http) + " is not code " + std::to_string(local::code_of_http_status(http));
    }
  }
  for (int http = 100; http < 600; ++http) {
    if (named.count(http) == 0 && local::none_left(http).code != 8) {
      return "HTTP status " + std::to_string(http) + " is not RESOURCE_EXHAUSTED";
    }
  }
  return {};
}

}  // namespace agones::test
