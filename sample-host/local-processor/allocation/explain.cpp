// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/explain.h"

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "local-processor/allocation/conversion.h"
#include "local-processor/allocation/counts.h"
#include "local-processor/allocation/selector.h"
#include "local-processor/allocation/validation.h"

// Old clients still send the deprecated fields.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace agones::local {

namespace {

using allocation::AllocationRequest;
using allocation::GameServerSelector;
using allocation::LabelMatchExpressions;
using Servers = std::vector<const GameServer*>;

constexpr std::size_t kValuesTold = 5;

// A condition, and what one that fails it has instead.
struct Check {
  std::string text;
  std::function<bool(const GameServer&)> passes;
  std::function<std::string(const GameServer&)> instead;
};

std::string upper(const char* text) {
  std::string result;
  for (; *text != '\0'; ++text) {
    result += static_cast<char>(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
  }
  return result;
}

std::string label_of(const GameServer& server, const std::string& key) {
  const auto found = server.labels.find(key);
  return found == server.labels.end() ? "without " + key : key + "=" + found->second;
}

std::string text_of(const LabelMatchExpressions& expression) {
  std::string text = expression.key() + " " + LabelMatchExpressions::Operator_Name(operator_of(expression));
  for (const std::string& value : expression.values()) {
    text += (&value == &*expression.values().begin() ? " " : ", ") + value;
  }
  return text;
}

std::string bounds(const char* what, std::int64_t minimum, std::int64_t maximum) {
  if (minimum == 0 && maximum == 0) {
    return {};
  }
  std::string text = std::string(" ") + what + " ";
  if (maximum == 0) {
    return text + "at least " + std::to_string(minimum);
  }
  return text + std::to_string(minimum) + " to " + std::to_string(maximum);
}

template <typename Room>
std::string room_of(const char* kind, const std::string& name, const Room& rooms,
                    std::int64_t (*used)(const GameServer&, const std::string&), const GameServer& server) {
  const auto found = rooms.find(name);
  if (found == rooms.end()) {
    return std::string("without ") + kind + " " + name;
  }
  return name + " " + std::to_string(used(server, name)) + "/" + std::to_string(found->second.capacity);
}

std::vector<Check> checks_of(const AllocationRequest& request, const GameServerSelector& selector) {
  std::vector<Check> checks;
  const std::string space = request.namespace_();
  checks.push_back({"namespace " + space, [=](const GameServer& server) { return server.space == space; },
                    [](const GameServer& server) { return "namespace " + server.space; }});
  const std::map<std::string, std::string> labels(selector.matchlabels().begin(), selector.matchlabels().end());
  for (const auto& [key, value] : labels) {
    GameServerSelector one;
    (*one.mutable_matchlabels())[key] = value;
    checks.push_back({key + "=" + value, [one](const GameServer& server) { return labels_match(one, server.labels); },
                      [key = key](const GameServer& server) { return label_of(server, key); }});
  }
  for (const LabelMatchExpressions& expression : selector.matchexpressions()) {
    GameServerSelector one;
    *one.add_matchexpressions() = expression;
    checks.push_back({text_of(expression), [one](const GameServer& server) { return labels_match(one, server.labels); },
                      [key = expression.key()](const GameServer& server) { return label_of(server, key); }});
  }
  const GameServerState state = state_of(selector);
  checks.push_back({"state " + upper(name_of(state)),
                    [=](const GameServer& server) { return server.state == state && !server.deleting; },
                    [](const GameServer& server) {
                      return upper(name_of(server.state)) + (server.deleting ? ", being deleted" : "");
                    }});
  for (const auto& [name, wanted] :
       std::map<std::string, allocation::CounterSelector>(selector.counters().begin(), selector.counters().end())) {
    GameServerSelector one;
    (*one.mutable_counters())[name] = wanted;
    checks.push_back({"counter " + name + bounds("count", wanted.mincount(), wanted.maxcount()) +
                          bounds("available", wanted.minavailable(), wanted.maxavailable()),
                      [one](const GameServer& server) { return counts_match(one, server.counters, server.lists); },
                      [name = name](const GameServer& server) {
                        return room_of(
                            "counter", name, server.counters,
                            [](const GameServer& of, const std::string& key) { return of.counters.at(key).count; },
                            server);
                      }});
  }
  for (const auto& [name, wanted] :
       std::map<std::string, allocation::ListSelector>(selector.lists().begin(), selector.lists().end())) {
    GameServerSelector one;
    (*one.mutable_lists())[name] = wanted;
    checks.push_back({"list " + name + bounds("available", wanted.minavailable(), wanted.maxavailable()) +
                          (wanted.containsvalue().empty() ? "" : " with " + wanted.containsvalue()),
                      [one](const GameServer& server) { return counts_match(one, server.counters, server.lists); },
                      [name = name](const GameServer& server) {
                        return room_of(
                            "list", name, server.lists,
                            [](const GameServer& of, const std::string& key) {
                              return static_cast<std::int64_t>(of.lists.at(key).values.size());
                            },
                            server);
                      }});
  }
  return checks;
}

// "12 ALLOCATED, 3 SHUTDOWN", the most first.
std::string tally(const Servers& servers, const std::function<std::string(const GameServer&)>& describe) {
  std::map<std::string, std::size_t> counts;
  for (const GameServer* server : servers) {
    ++counts[describe(*server)];
  }
  std::vector<std::pair<std::string, std::size_t>> ordered(counts.begin(), counts.end());
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (std::size_t i = 0; i < std::min(ordered.size(), kValuesTold); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(ordered[i].second) + " " + ordered[i].first;
  }
  return text.empty() ? "there are no game servers" : text + (ordered.size() > kValuesTold ? " and others" : "");
}

SelectorExplanation explain_selector(const std::string& where, const std::vector<Check>& checks, Servers servers) {
  SelectorExplanation result;
  result.where = where;
  for (const Check& check : checks) {
    Servers passing;
    std::copy_if(servers.begin(), servers.end(), std::back_inserter(passing),
                 [&](const GameServer* server) { return check.passes(*server); });
    result.conditions.push_back({check.text, passing.size()});
    if (passing.empty()) {
      result.nearest = tally(servers, check.instead);
      break;
    }
    servers = std::move(passing);
  }
  return result;
}

std::string where_of(const AllocationRequest& request, std::size_t index) {
  if (!request.gameserverselectors().empty()) {
    return "gameServerSelectors[" + std::to_string(index) + "]";
  }
  if (index < static_cast<std::size_t>(request.preferredgameserverselectors_size())) {
    return "preferredGameServerSelectors[" + std::to_string(index) + "]";
  }
  return request.has_requiredgameserverselector() ? "requiredGameServerSelector" : "any READY game server";
}

// Names that no game server has: mostly misspelt.
class Unknown {
 public:
  explicit Unknown(const Servers& servers) : servers_(servers) {}

  void label(const std::string& where, const std::string& key, const std::vector<std::string>& values,
             bool need_value) {
    if (!any([&](const GameServer& server) { return server.labels.count(key) > 0; })) {
      add(where + ": no game server has the label " + key);
    } else if (need_value && !any([&](const GameServer& server) {
                 const auto found = server.labels.find(key);
                 return found != server.labels.end() &&
                        std::find(values.begin(), values.end(), found->second) != values.end();
               })) {
      add(where + ": no game server has " + key + "=" + values[0] + "; there are " +
          tally(servers_, [&](const GameServer& server) { return label_of(server, key); }));
    }
  }
  void counter(const std::string& where, const std::string& name) {
    if (!any([&](const GameServer& server) { return server.counters.count(name) > 0; })) {
      add(where + ": no game server has the counter " + name);
    }
  }
  void list(const std::string& where, const std::string& name) {
    if (!any([&](const GameServer& server) { return server.lists.count(name) > 0; })) {
      add(where + ": no game server has the list " + name);
    }
  }
  void add(const std::string& warning) {
    if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) {
      warnings_.push_back(warning);
    }
  }
  std::vector<std::string> take() { return std::move(warnings_); }

 private:
  template <typename Predicate>
  bool any(const Predicate& has) const {
    return std::any_of(servers_.begin(), servers_.end(), [&](const GameServer* server) { return has(*server); });
  }

  const Servers& servers_;
  std::vector<std::string> warnings_;
};

void look_for_unknown(const std::string& where, const GameServerSelector& selector, Unknown& unknown) {
  for (const auto& [key, value] : selector.matchlabels()) {
    unknown.label(where, key, {value}, true);
  }
  for (const LabelMatchExpressions& expression : selector.matchexpressions()) {
    const auto wanted = operator_of(expression);
    if (wanted == LabelMatchExpressions::In || wanted == LabelMatchExpressions::Exists) {
      unknown.label(where, expression.key(), {expression.values().begin(), expression.values().end()},
                    wanted == LabelMatchExpressions::In);
    }
  }
  for (const auto& [name, wanted] : selector.counters()) {
    unknown.counter(where, name);
  }
  for (const auto& [name, wanted] : selector.lists()) {
    unknown.list(where, name);
  }
}

// What Agones skips, and allocates all the same.
void look_for_void_actions(const AllocationRequest& request, Unknown& unknown) {
  for (const auto& [name, action] : request.counters()) {
    const std::string where = "counters[" + name + "]";
    unknown.counter(where + ": the action is passed over", name);
    const std::string& verb = action.action().value();
    if (action.has_action() && verb != "Increment" && verb != "Decrement") {
      unknown.add(where + ": the action '" + verb + "' is passed over: it is neither Increment nor Decrement");
    }
  }
  for (const auto& [name, action] : request.lists()) {
    const std::string where = "lists[" + name + "]";
    unknown.list(where + ": the action is passed over", name);
    if (action.capacity().value() > 1000) {
      unknown.add(where + ": the capacity is passed over: it is above 1000");
    }
  }
}

}  // namespace

std::size_t Explanation::matches() const {
  for (const SelectorExplanation& selector : selectors) {
    if (selector.nearest.empty() && !selector.conditions.empty() && selector.conditions.back().passing > 0) {
      return selector.conditions.back().passing;
    }
  }
  return 0;
}

Explanation explain(const AllocationRequest& request, const Servers& servers) {
  Explanation result;
  result.problem = validate(request);
  if (!result.problem.empty()) {
    return result;
  }
  Servers of_namespace;
  std::copy_if(servers.begin(), servers.end(), std::back_inserter(of_namespace),
               [&](const GameServer* server) { return server->space == request.namespace_(); });
  Unknown unknown(of_namespace);
  std::size_t index = 0;
  for (const GameServerSelector* selector : selectors_of(request)) {
    const std::string where = where_of(request, index++);
    result.selectors.push_back(explain_selector(where, checks_of(request, *selector), servers));
    if (!of_namespace.empty()) {
      look_for_unknown(where, *selector, unknown);
    }
  }
  if (!of_namespace.empty()) {
    look_for_void_actions(request, unknown);
  }
  if (!request.gameserverselectors().empty() &&
      (request.has_requiredgameserverselector() || !request.preferredgameserverselectors().empty())) {
    unknown.add(
        "requiredGameServerSelector and preferredGameServerSelectors are passed over beside gameServerSelectors");
  }
  result.warnings = unknown.take();
  return result;
}

std::string text_of(const Explanation& explanation) {
  if (!explanation.problem.empty()) {
    return "Agones refuses it: " + explanation.problem + "\n";
  }
  std::ostringstream text;
  for (const SelectorExplanation& selector : explanation.selectors) {
    text << selector.where << '\n';
    for (const Condition& condition : selector.conditions) {
      text << "  " << condition.passing << " pass " << condition.text << '\n';
    }
    if (!selector.nearest.empty()) {
      text << "  instead: " << selector.nearest << '\n';
    }
  }
  for (const std::string& warning : explanation.warnings) {
    text << "warning: " << warning << '\n';
  }
  const std::size_t matches = explanation.matches();
  text << (matches == 0 ? "none is left\n" : std::to_string(matches) + " can be allocated\n");
  return text.str();
}

std::string short_text_of(const Explanation& explanation) {
  if (!explanation.problem.empty()) {
    return explanation.problem;
  }
  std::string text;
  for (const SelectorExplanation& selector : explanation.selectors) {
    if (selector.conditions.empty()) {
      continue;
    }
    const std::size_t last = selector.conditions.size() - 1;
    text += (text.empty() ? "" : "; ") + selector.where + ": ";
    if (last > 0) {
      text +=
          std::to_string(selector.conditions[last - 1].passing) + " pass " + selector.conditions[last - 1].text + ", ";
    }
    text += selector.conditions[last].passing == 0
                ? "none" + std::string(last > 0 ? " of them " : " passes ") + selector.conditions[last].text + " (" +
                      selector.nearest + ")"
                : std::to_string(selector.conditions[last].passing) + " pass " + selector.conditions[last].text;
  }
  return text;
}

}  // namespace agones::local
