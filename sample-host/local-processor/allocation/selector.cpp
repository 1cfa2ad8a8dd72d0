// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/selector.h"

#include <algorithm>

#include "local-processor/allocation/conversion.h"
#include "local-processor/allocation/counts.h"

namespace agones::local {

namespace {

using allocation::LabelMatchExpressions;

bool satisfies(const LabelMatchExpressions& expression, const Labels& labels) {
  const auto label = labels.find(expression.key());
  const bool there = label != labels.end();
  const auto listed = [&] {
    return std::find(expression.values().begin(), expression.values().end(), label->second) !=
           expression.values().end();
  };
  switch (operator_of(expression)) {
    case LabelMatchExpressions::NotIn:
      return !there || !listed();
    case LabelMatchExpressions::Exists:
      return there;
    case LabelMatchExpressions::DoesNotExist:
      return !there;
    default:
      return there && listed();
  }
}

// The minimum 0 counts too; a maximum of 0 is none.
bool within(std::int64_t value, std::int64_t minimum, std::int64_t maximum) {
  return value >= minimum && (maximum == 0 || value <= maximum);
}

bool satisfies(const allocation::CounterSelector& wanted, const Counter& counter) {
  return within(available(counter), wanted.minavailable(), wanted.maxavailable()) &&
         within(counter.count, wanted.mincount(), wanted.maxcount());
}

bool satisfies(const allocation::ListSelector& wanted, const List& list) {
  return within(available(list), wanted.minavailable(), wanted.maxavailable()) &&
         (wanted.containsvalue().empty() ||
          std::find(list.values.begin(), list.values.end(), wanted.containsvalue()) != list.values.end());
}

}  // namespace

bool labels_match(const allocation::GameServerSelector& selector, const Labels& labels) {
  const auto has_label = [&](const auto& wanted) {
    const auto label = labels.find(wanted.first);
    return label != labels.end() && label->second == wanted.second;
  };
  return std::all_of(selector.matchlabels().begin(), selector.matchlabels().end(), has_label) &&
         std::all_of(selector.matchexpressions().begin(), selector.matchexpressions().end(),
                     [&](const auto& expression) { return satisfies(expression, labels); });
}

bool counts_match(const allocation::GameServerSelector& selector, const std::map<std::string, Counter>& counters,
                  const std::map<std::string, List>& lists) {
  const auto all_there = [](const auto& wanted, const auto& present) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
      const auto found = present.find(one.first);
      return found != present.end() && satisfies(one.second, found->second);
    });
  };
  return all_there(selector.counters(), counters) && all_there(selector.lists(), lists);
}

}  // namespace agones::local
