// SPDX-License-Identifier: Apache-2.0
// The model shows what the C++ memory model allows, and nothing that it does not: the examples that papers on it use.
#include "orders/explorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>

namespace agones::orders {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Order kRelaxed = std::memory_order_relaxed;
constexpr Order kAcquire = std::memory_order_acquire;
constexpr Order kRelease = std::memory_order_release;
constexpr Order kTotal = std::memory_order_seq_cst;

// Every end that the executions have, as text.
class Ends {
 public:
  void add(const std::string& end) { ends_.insert(end); }
  const std::set<std::string>& all() const { return ends_; }

 private:
  std::set<std::string> ends_;
};

struct Two {
  Atomic<int> x{0};
  Atomic<int> y{0};
  Plain<int> data{0};
  int first = -1;
  int second = -1;
};

std::string pair(const Two& two) {
  return std::to_string(two.first) + std::to_string(two.second);
}

std::set<std::string> store_buffering(Order stores, Order loads) {
  Ends ends;
  const Outcome outcome = explore([&](Execution& run) {
    auto& two = run.make<Two>();
    run.thread([&, stores, loads] {
      two.x.store(1, stores);
      two.first = two.y.load(loads);
    });
    run.thread([&, stores, loads] {
      two.y.store(1, stores);
      two.second = two.x.load(loads);
    });
    run.at_end([&] { ends.add(pair(two)); });
  });
  EXPECT_EQ(outcome.problem, "");
  return ends.all();
}

TEST(Explorer, StoreBuffering) {
  EXPECT_THAT(store_buffering(kRelease, kAcquire), ElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(kTotal, kAcquire), ElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(kRelease, kTotal), ElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(kTotal, kTotal), ElementsAre("01", "10", "11"));
}

std::string passing(Order store, Order load) {
  return explore([&](Execution& run) {
           auto& two = run.make<Two>();
           run.thread([&, store] {
             two.data = 7;
             two.x.store(1, store);
           });
           run.thread([&, load] {
             if (two.x.load(load) == 1) {
               check(two.data == 7, "stale data");
             }
           });
         })
      .problem;
}

TEST(Explorer, AMessageIsPassedByReleaseAndAcquireAlone) {
  EXPECT_EQ(passing(kRelease, kAcquire), "");
  EXPECT_EQ(passing(kTotal, kTotal), "");
  EXPECT_THAT(passing(kRelaxed, kAcquire), HasSubstr("data race: read while it is written"));
  EXPECT_THAT(passing(kRelease, kRelaxed), HasSubstr("data race"));
}

TEST(Explorer, StaleLoadsOfAtomics) {
  Ends relaxed;
  Ends passed;
  for (const Order order : {kRelaxed, kRelease}) {
    explore([&](Execution& run) {
      auto& two = run.make<Two>();
      run.thread([&, order] {
        two.x.store(1, kRelaxed);
        two.y.store(1, order);
      });
      run.thread([&] {
        two.first = two.y.load(kAcquire);
        two.second = two.x.load(kRelaxed);
      });
      run.at_end([&, order] { (order == kRelaxed ? relaxed : passed).add(pair(two)); });
    });
  }
  EXPECT_THAT(relaxed.all(), ElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(passed.all(), ElementsAre("00", "01", "11"));
}

TEST(Explorer, AThreadNeverSeesAnAtomicGoBack) {
  Ends ends;
  explore([&](Execution& run) {
    auto& two = run.make<Two>();
    run.thread([&] { two.x.store(1, kRelaxed); });
    run.thread([&] {
      two.first = two.x.load(kRelaxed);
      two.second = two.x.load(kRelaxed);
    });
    run.at_end([&] { ends.add(pair(two)); });
  });
  EXPECT_THAT(ends.all(), ElementsAre("00", "01", "11"));
}

TEST(Explorer, ReadersMaySeeStoresOfTwoThreadsInDifferentOrder) {
  const auto ends_of = [](Order order) {
    Ends ends;
    explore([&ends, order](Execution& run) {
      auto& two = run.make<Two>();
      auto& others = run.make<Two>();
      run.thread([&two, order] { two.x.store(1, order); });
      run.thread([&two, order] { two.y.store(1, order); });
      run.thread([&two, order] {
        two.first = two.x.load(order == kTotal ? kTotal : kAcquire);
        two.second = two.y.load(order == kTotal ? kTotal : kAcquire);
      });
      run.thread([&two, &others, order] {
        others.first = two.y.load(order == kTotal ? kTotal : kAcquire);
        others.second = two.x.load(order == kTotal ? kTotal : kAcquire);
      });
      run.at_end([&] { ends.add(pair(two) + pair(others)); });
    });
    return ends.all();
  };
  EXPECT_EQ(ends_of(kRelease).count("1010"), 1);
  EXPECT_EQ(ends_of(kTotal).count("1010"), 0);
}

TEST(Explorer, TwoPairsOfStoresMayEndCrosswise) {
  Ends ends;
  explore([&](Execution& run) {
    auto& two = run.make<Two>();
    run.thread([&] {
      two.x.store(1, kRelaxed);
      two.y.store(2, kRelaxed);
    });
    run.thread([&] {
      two.y.store(1, kRelaxed);
      two.x.store(2, kRelaxed);
    });
    run.at_end([&] { ends.add(std::to_string(two.x.load()) + std::to_string(two.y.load())); });
  });
  EXPECT_THAT(ends.all(), ElementsAre("11", "12", "21", "22"));
}

TEST(Explorer, NoIncrementIsLost) {
  const Outcome outcome = explore([](Execution& run) {
    auto& two = run.make<Two>();
    for (int i = 0; i < 3; ++i) {
      run.thread([&] { two.x.fetch_add(1, kRelaxed); });
    }
    run.at_end([&] { check(two.x.load() == 3, "lost"); });
  });
  EXPECT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.executions, 6);
}

// What a release published reaches who acquires a later read-modify-write, but not who acquires a later store.
std::string through(bool read_modify_write) {
  return explore([&](Execution& run) {
           auto& two = run.make<Two>();
           run.thread([&] {
             two.data = 7;
             two.x.store(1, kRelease);
           });
           run.thread([&, read_modify_write] {
             if (two.x.load(kRelaxed) == 1) {
               read_modify_write ? static_cast<void>(two.x.fetch_add(1, kRelaxed)) : two.x.store(2, kRelaxed);
             }
           });
           run.thread([&] {
             if (two.x.load(kAcquire) == 2) {
               check(two.data == 7, "stale data");
             }
           });
         })
      .problem;
}

TEST(Explorer, AReleaseSequence) {
  EXPECT_EQ(through(true), "");
  EXPECT_THAT(through(false), HasSubstr("data race"));
}

TEST(Explorer, MutexesKeepApartAndPassOn) {
  struct Guarded {
    Mutex mutex;
    Plain<int> data{0};
  };
  const Outcome outcome = explore([](Execution& run) {
    auto& guarded = run.make<Guarded>();
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        const std::lock_guard<Mutex> lock(guarded.mutex);
        guarded.data = guarded.data + 1;
      });
    }
    run.at_end([&] { check(guarded.data == 3, "lost"); });
  });
  EXPECT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.executions, 6);
}

TEST(Explorer, DeadlocksAreFound) {
  struct Guarded {
    Mutex one;
    Mutex other;
  };
  const Outcome outcome = explore([](Execution& run) {
    auto& guarded = run.make<Guarded>();
    run.thread([&] {
      guarded.one.lock();
      guarded.other.lock();
      guarded.other.unlock();
      guarded.one.unlock();
    });
    run.thread([&] {
      guarded.other.lock();
      guarded.one.lock();
      guarded.one.unlock();
      guarded.other.unlock();
    });
  });
  EXPECT_THAT(outcome.problem, HasSubstr("deadlock"));
}

TEST(Explorer, WhatIsReadWhileItGoesIsARace) {
  struct Item : Kept {
    Plain<int> data{1};
  };
  struct Shared {
    Atomic<Item*> item{nullptr};
  };
  const Outcome outcome = explore([](Execution& run) {
    auto& shared = run.make<Shared>();
    shared.item.store(new Item);
    run.thread([&] { delete shared.item.exchange(nullptr); });
    run.thread([&] {
      if (Item* item = shared.item.load()) {
        check(item->data == 1, "gone");
      }
    });
  });
  EXPECT_THAT(outcome.problem, HasSubstr("data race: written while it is read"));
}

TEST(Explorer, SaysWhatEachOrderIsGoodFor) {
  const Program stronger_than_needed = [](Execution& run) {
    auto& two = run.make<Two>();
    run.thread([&] {
      two.data = 7;
      two.x.store(1);
    });
    run.thread([&] {
      if (two.x.load() == 1) {
        check(two.data == 7, "stale data");
      }
    });
  };
  EXPECT_EQ(weakest_orders({stronger_than_needed}), R"(
explorer_test operator() load: seq_cst, acquire would do
explorer_test operator() store: seq_cst, release would do
)");
}

}  // namespace
}  // namespace agones::orders
