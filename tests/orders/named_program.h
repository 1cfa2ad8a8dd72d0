// SPDX-License-Identifier: Apache-2.0
// The programs of one library, each a test by its name.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "orders/explorer.h"

namespace agones::orders {

struct NamedProgram {
  const char* name;
  Program program;
};

class HoldingInEveryExecution : public testing::TestWithParam<NamedProgram> {
 protected:
  static void expect_it() {
    const Outcome outcome = explore(GetParam().program);
    EXPECT_EQ(outcome.problem, "");
    RecordProperty("executions", std::to_string(outcome.executions));
    EXPECT_GT(outcome.executions, 1);
  }
};

inline std::string name_of(const testing::TestParamInfo<NamedProgram>& tested) {
  return tested.param.name;
}

inline std::string weakest_orders(const std::vector<NamedProgram>& programs) {
  std::vector<Program> all;
  for (const NamedProgram& named : programs) {
    all.push_back(named.program);
  }
  return weakest_orders(all);
}

}  // namespace agones::orders
