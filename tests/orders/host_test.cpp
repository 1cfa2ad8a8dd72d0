// SPDX-License-Identifier: Apache-2.0
// The host library's roles, as plugin_test.cpp has the plugin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "orders/named_program.h"
#include "orders/shadow.h"
// After it.
#include "host/roles.h"
// Its code, too.
#include "host/roles.cpp"  // NOLINT(bugprone-suspicious-include)

namespace agones::host {
namespace {

using orders::check;
using orders::Execution;
using orders::NamedProgram;
using orders::weakest_orders;

std::unique_ptr<Generation> generation(int number) {
  return std::unique_ptr<Generation>(new Generation(number));
}

// What the polling thread does in a swap: the next one comes, the old one goes when nobody is inside. False if somebody is.
bool swap(Roles& roles, int next) {
  roles.replace(generation(next));
  if (!roles.is_left()) {
    return false;
  }
  roles.retire_old();
  // Destroyed here.
  return static_cast<bool>(roles.release_retired());
}

void use(const Roles::Visit& visit) {
  check(visit && visit->number() > 0, "gone");
}

void visited_while_replaced(Execution& run) {
  auto& roles = run.make<Roles>(generation(1));
  run.thread([&] {
    use(roles.visit_current());
    use(roles.visit_current());
  });
  run.thread([&] { swap(roles, 2); });
}

void old_one_visited_while_it_goes(Execution& run) {
  auto& roles = run.make<Roles>(generation(1));
  run.thread([&] {
    if (const Roles::Visit visit = roles.visit_old()) {
      check(visit->number() == 1, "another one");
    }
  });
  run.thread([&] { use(roles.visit_current()); });
  run.thread([&] { swap(roles, 2); });
}

// The place of the first one is taken again.
void visited_while_replaced_twice(Execution& run) {
  auto& roles = run.make<Roles>(generation(1));
  run.thread([&] { use(roles.visit_current()); });
  run.thread([&] {
    if (swap(roles, 2)) {
      swap(roles, 3);
    }
  });
}

// Host::drain and Host::step (modelled.h has their lines): a plugin that comes meanwhile is drained by one or the other.
class Draining {
 public:
  void drain() {
    while (true) {
      const Roles::Visit visit = roles_.visit_current();
      if (!visit) {
        return check(false, "gone");
      }
      visit->drain();
      drained_.store(0);
      if (&*roles_.visit_current() == &*visit) {
        return;
      }
    }
  }
  void step() {
    roles_.replace(generation(2));
    if (drained_.load() != -1) {
      roles_.current().drain();
    }
  }
  bool drained() const { return roles_.current().drained(); }

 private:
  Roles roles_{generation(1)};
  std::atomic<std::int64_t> drained_{-1};
};

void drained_while_replaced(Execution& run) {
  auto& host = run.make<Draining>();
  run.thread([&] { host.drain(); });
  run.thread([&] { host.step(); });
  run.at_end([&] { check(host.drained(), "the new plugin is not drained"); });
}

const std::vector<NamedProgram>& programs() {
  static const std::vector<NamedProgram> all{
      {"visited_while_replaced", visited_while_replaced},
      {"old_one_visited_while_it_goes", old_one_visited_while_it_goes},
      {"visited_while_replaced_twice", visited_while_replaced_twice},
      {"drained_while_replaced", drained_while_replaced},
  };
  return all;
}

class HostOrders : public orders::HoldingInEveryExecution {};

TEST_P(HostOrders, HoldInEveryExecution) {
  expect_it();
}

INSTANTIATE_TEST_SUITE_P(All, HostOrders, testing::ValuesIn(programs()), orders::name_of);

// Each of these was weakened alone, to every weaker order. Where nothing "would do", a program above noticed it.
TEST(HostOrdersWeakened, OneByOneAreNoticedWhereTheyAreNeeded) {
  EXPECT_EQ(weakest_orders(programs()), R"(
host_test drain store: seq_cst
host_test step load: seq_cst
roles current load: seq_cst, relaxed would do
roles replace load: seq_cst, relaxed would do
roles replace store 2: seq_cst
roles replace store: seq_cst, relaxed would do
roles retire_old exchange: seq_cst
roles visit load 2: seq_cst
roles visit load: seq_cst, relaxed would do
visitors done load: seq_cst
visitors enter fetch_add: seq_cst
visitors leave fetch_sub: release
)");
}

}  // namespace
}  // namespace agones::host
