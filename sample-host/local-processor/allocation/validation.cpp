// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/validation.h"

#include <algorithm>
#include <map>
#include <set>

#include "local-processor/allocation/conversion.h"
#include "local-processor/allocation/go_text.h"
#include "local-processor/allocation/label_syntax.h"

// Old clients still send the deprecated fields.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace agones::local {

namespace {

using allocation::GameServerSelector;
using allocation::LabelMatchExpressions;
using Errors = std::vector<std::string>;

constexpr std::size_t kMostAnnotationBytes = 262144;
constexpr char kNegative[] = "must be greater than or equal to 0";

std::string invalid(const std::string& path, const std::string& value, const std::string& detail) {
  return path + ": Invalid value: " + value + ": " + detail;
}

std::string join(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : between) + part;
  }
  return text;
}

template <typename Strings>
std::string json_array(const Strings& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    parts.push_back(go_json(value));
  }
  return "[" + join(parts, ",") + "]";
}

template <typename Map>
auto by_key(const Map& map) {
  std::map<std::string, const typename Map::mapped_type*> sorted;
  for (const auto& [key, value] : map) {
    sorted.emplace(key, &value);
  }
  return sorted;
}

void refuse_negative(const std::string& path, std::int64_t value, Errors& errors) {
  if (value < 0) {
    errors.push_back(invalid(path, std::to_string(value), kNegative));
  }
}

// A maximum of 0 is none.
void check_range(const std::string& path, const std::string& what, std::int64_t minimum, std::int64_t maximum,
                 Errors& errors) {
  refuse_negative(path + ".min" + what, minimum, errors);
  refuse_negative(path + ".max" + what, maximum, errors);
  if (maximum != 0 && maximum < minimum) {
    errors.push_back(invalid(path, std::to_string(maximum),
                             "max" + what + " must zero or greater than min" + what + " " + std::to_string(minimum)));
  }
}

std::string expression_json(const LabelMatchExpressions& expression) {
  std::string text = R"({"key":)" + go_json(expression.key()) + R"(,"operator":")" +
                     LabelMatchExpressions::Operator_Name(operator_of(expression)) + '"';
  if (!expression.values().empty()) {
    text += R"(,"values":)" + json_array(expression.values());
  }
  return text + "}";
}

std::string selector_json(const GameServerSelector& selector) {
  std::vector<std::string> members;
  if (!selector.matchlabels().empty()) {
    std::vector<std::string> labels;
    for (const auto& [key, value] : by_key(selector.matchlabels())) {
      labels.push_back(go_json(key) + ":" + go_json(*value));
    }
    members.push_back(R"("matchLabels":{)" + join(labels, ",") + "}");
  }
  if (!selector.matchexpressions().empty()) {
    std::vector<std::string> expressions;
    for (const LabelMatchExpressions& expression : selector.matchexpressions()) {
      expressions.push_back(expression_json(expression));
    }
    members.push_back(R"("matchExpressions":[)" + join(expressions, ",") + "]");
  }
  return "{" + join(members, ",") + "}";
}

void check_key(const std::string& key, Errors& errors) {
  const std::vector<std::string> problems = problems_of_label_key(key);
  if (!problems.empty()) {
    errors.push_back(invalid("key", go_quoted(key), join(problems, "; ")));
  }
}

void check_value(const std::string& key, int index, const std::string& value, Errors& errors) {
  const std::vector<std::string> problems = problems_of_label_value(value);
  if (!problems.empty()) {
    errors.push_back(
        invalid("values[" + std::to_string(index) + "][" + key + "]", go_quoted(value), join(problems, "; ")));
  }
}

std::string problem_of(const LabelMatchExpressions& expression) {
  Errors errors;
  check_key(expression.key(), errors);
  const auto wanted = operator_of(expression);
  const bool takes_values = wanted == LabelMatchExpressions::In || wanted == LabelMatchExpressions::NotIn;
  if (takes_values && expression.values().empty()) {
    errors.push_back(invalid("values", "null", "for 'in', 'notin' operators, values set can't be empty"));
  } else if (!takes_values && !expression.values().empty()) {
    errors.push_back(
        invalid("values", json_array(expression.values()), "values set must be empty for exists and does not exist"));
  }
  for (int i = 0; i < expression.values_size(); ++i) {
    check_value(expression.key(), i, expression.values(i), errors);
  }
  return joined(errors);
}

template <typename Map>
std::string problem_of_labels(const Map& labels) {
  for (const auto& [key, value] : by_key(labels)) {
    Errors errors;
    check_key(key, errors);
    check_value(key, 0, *value, errors);
    if (!errors.empty()) {
      return joined(errors);
    }
  }
  return {};
}

void check_selector(const std::string& path, const GameServerSelector& selector, Errors& errors) {
  const std::string problem = problem_of_label_selector(selector);
  if (!problem.empty()) {
    errors.push_back(
        invalid(path + ".labelSelector", selector_json(selector), "Error converting label selector: " + problem));
  }
  for (const auto& [name, counter] : by_key(selector.counters())) {
    const std::string where = path + ".counters[" + name + "]";
    check_range(where, "Count", counter->mincount(), counter->maxcount(), errors);
    check_range(where, "Available", counter->minavailable(), counter->maxavailable(), errors);
  }
  for (const auto& [name, list] : by_key(selector.lists())) {
    check_range(path + ".lists[" + name + "]", "Available", list->minavailable(), list->maxavailable(), errors);
  }
}

void check_selectors(const allocation::AllocationRequest& request, Errors& errors) {
  if (request.has_requiredgameserverselector()) {
    check_selector("spec.required", request.requiredgameserverselector(), errors);
  }
  for (int i = 0; i < request.preferredgameserverselectors_size(); ++i) {
    check_selector("spec.preferred[" + std::to_string(i) + "]", request.preferredgameserverselectors(i), errors);
  }
  for (int i = 0; i < request.gameserverselectors_size(); ++i) {
    check_selector("spec.selectors[" + std::to_string(i) + "]", request.gameserverselectors(i), errors);
  }
}

void check_priorities(const allocation::AllocationRequest& request, Errors& errors) {
  for (int i = 0; i < request.priorities_size(); ++i) {
    const allocation::Priority& priority = request.priorities(i);
    if (priority.key().empty()) {
      errors.push_back(invalid("spec.priorities[" + std::to_string(i) + "]",
                               priority.type() == allocation::Priority::List ? R"("List")" : R"("Counter")",
                               "key must not be nil"));
    }
  }
}

void check_actions(const allocation::AllocationRequest& request, Errors& errors) {
  for (const auto& [name, action] : by_key(request.counters())) {
    const std::string path = "spec.counters[" + name + "]";
    refuse_negative(path + ".amount", action->amount().value(), errors);
    refuse_negative(path + ".capacity", action->capacity().value(), errors);
    if (action->has_amount() && !action->has_action()) {
      errors.push_back(invalid(path, "null", R"(action must be "Increment" or "Decrement" if the amount is not nil)"));
    }
    if (action->has_action() && !action->has_amount()) {
      errors.push_back(invalid(path, "null", "amount must not be nil if action is not nil"));
    }
  }
  for (const auto& [name, action] : by_key(request.lists())) {
    refuse_negative("spec.lists[" + name + "].capacity", action->capacity().value(), errors);
  }
}

void check_patch(const allocation::MetaPatch& patch, Errors& errors) {
  const auto add = [&](const char* path, const std::string& text, const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) {
      errors.push_back(invalid(path, go_quoted(text), problem));
    }
  };
  for (const auto& [key, value] : by_key(patch.labels())) {
    add("spec.metadata.labels", key, problems_of_label_key(key));
    add("spec.metadata.labels", *value, problems_of_label_value(*value));
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : by_key(patch.annotations())) {
    add("spec.metadata.annotations", key, problems_of_annotation_key(key));
    bytes += key.size() + value->size();
  }
  if (bytes > kMostAnnotationBytes) {
    errors.push_back("spec.metadata.annotations: Too long: may not be more than " +
                     std::to_string(kMostAnnotationBytes) + " bytes");
  }
}

}  // namespace

std::string joined(const Errors& errors) {
  Errors unique;
  std::set<std::string> seen;
  std::copy_if(errors.begin(), errors.end(), std::back_inserter(unique),
               [&](const std::string& error) { return seen.insert(error).second; });
  return unique.size() > 1 ? "[" + join(unique, ", ") + "]" : join(unique, "");
}

std::string problem_of_label_selector(const GameServerSelector& selector) {
  std::string problem = problem_of_labels(selector.matchlabels());
  if (!problem.empty()) {
    return problem;
  }
  for (const LabelMatchExpressions& expression : selector.matchexpressions()) {
    std::string bad = problem_of(expression);
    if (!bad.empty()) {
      return bad;
    }
  }
  return {};
}

std::string problem_of_label_selector(const allocation::LabelSelector& selector) {
  return problem_of_labels(selector.matchlabels());
}

std::string validate(const allocation::AllocationRequest& request) {
  Errors errors;
  check_selectors(request, errors);
  check_priorities(request, errors);
  check_actions(request, errors);
  check_patch(patch_of(request), errors);
  return errors.empty() ? std::string()
                        : R"(GameServerAllocation.allocation.agones.dev "" is invalid: )" + joined(errors);
}

}  // namespace agones::local
