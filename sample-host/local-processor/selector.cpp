// SPDX-License-Identifier: Apache-2.0
#include "local-processor/selector.h"

#include <algorithm>

namespace agones::local {

namespace {

using allocation::LabelMatchExpressions;

bool satisfies(const LabelMatchExpressions& expression, const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(expression.key());
  const bool there = label != labels.end();
  const auto listed = [&] {
    return std::find(expression.values().begin(), expression.values().end(), label->second) !=
           expression.values().end();
  };
  switch (expression.operator_()) {
    case LabelMatchExpressions::In:
      return there && listed();
    case LabelMatchExpressions::NotIn:
      return !there || !listed();
    case LabelMatchExpressions::Exists:
      return there;
    case LabelMatchExpressions::DoesNotExist:
      return !there;
    default:
      return false;
  }
}

}  // namespace

bool matches(const allocation::GameServerSelector& selector, const GameServer& server) {
  const auto has_label = [&](const auto& wanted) {
    const auto label = server.labels.find(wanted.first);
    return label != server.labels.end() && label->second == wanted.second;
  };
  return std::all_of(selector.matchlabels().begin(), selector.matchlabels().end(), has_label) &&
         std::all_of(selector.matchexpressions().begin(), selector.matchexpressions().end(),
                     [&](const auto& expression) { return satisfies(expression, server.labels); });
}

}  // namespace agones::local
