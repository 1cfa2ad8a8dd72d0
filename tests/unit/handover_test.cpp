// SPDX-License-Identifier: Apache-2.0
// What many host threads use at once; meant for ThreadSanitizer as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "engine/counters.h"
#include "engine/request.h"
#include "engine/request_table.h"
#include "platform/thread_stock.h"
#include "session/admission.h"
#include "session/event_reader.h"
#include "session/intake.h"
#include "session/many_to_one_queue.h"

namespace agones::plugin {
namespace {

TEST(Admission, LimitIsExactUnderContention) {
  constexpr std::uint64_t kLimit = 1000;
  Admission admission(kLimit);
  std::atomic<std::uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 1000; ++attempt) {
        admitted += admission.admit() == Admission::Answer::kAdmitted ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(admitted.load(), kLimit);
  EXPECT_EQ(admission.admit(), Admission::Answer::kFull);
  admission.release();
  EXPECT_EQ(admission.admit(), Admission::Answer::kAdmitted);
  admission.close();
  EXPECT_EQ(admission.admit(), Admission::Answer::kClosed);
  EXPECT_EQ(admission.pending(), kLimit);
}

TEST(Counters, LogLinesThatAreDroppedOnSeveralThreadsAreAllCounted) {
  constexpr std::uint64_t kEach = 200'000;
  Counters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; n < kEach; ++n) {
        counters.log_lines_dropped.add();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(counters.log_lines_dropped.get(), 4 * kEach);
}

RequestPtr numbered(std::uint64_t number) {
  RequestPtr request = Request::create("x", {}, 0, {}, {});
  request->id = number;
  return request;
}

using Numbers = std::vector<std::uint64_t>;

// Keeps what it is given.
struct FakeEngine {
  Numbers submitted;
  Numbers cancelled;
  std::function<void(std::uint64_t)> on_submit;

  void submit(RequestPtr&& request) {
    if (on_submit) {
      on_submit(request->id);
    }
    submitted.push_back(request->id);
    const RequestPtr taken = std::move(request);
  }
  void cancel(std::uint64_t number, TimePoint /*now*/) {
    EXPECT_NE(std::find(submitted.begin(), submitted.end(), number), submitted.end()) << number << " is not known yet";
    cancelled.push_back(number);
  }
};

TEST(Intake, GivesABoundedNumberToWhomeverNeverPauses) {
  Intake intake;
  FakeEngine engine;
  engine.on_submit = [&](std::uint64_t number) { intake.submit(numbered(number + 1)); };
  intake.submit(numbered(1));
  EXPECT_EQ(intake.give(engine, {}, 100), 100U);
  EXPECT_EQ(engine.submitted.size(), 100U);
  EXPECT_FALSE(intake.empty());
  EXPECT_EQ(intake.give(engine, {}, 7), 7U);
  EXPECT_EQ(engine.submitted.back(), 107U);
}

TEST(Intake, GivesACancelOnceItsRequestWasGiven) {
  Intake intake;
  FakeEngine engine;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    intake.submit(numbered(number));
  }
  intake.cancel(5);
  EXPECT_EQ(intake.give(engine, {}, 3), 3U);
  EXPECT_EQ(engine.cancelled, Numbers{});
  intake.submit(numbered(6));
  intake.cancel(4);
  intake.cancel(6);
  EXPECT_EQ(intake.give(engine, {}, 2), 2U);
  EXPECT_EQ(engine.cancelled, Numbers{5});
  EXPECT_EQ(intake.give(engine, {}, 100), 1U);
  EXPECT_TRUE(intake.empty());
  std::sort(engine.cancelled.begin(), engine.cancelled.end());
  EXPECT_EQ(engine.cancelled, (Numbers{4, 5, 6}));
  EXPECT_EQ(engine.submitted, (Numbers{1, 2, 3, 4, 5, 6}));
  intake.cancel(2);
  EXPECT_EQ(intake.give(engine, {}, 100), 0U);
  EXPECT_EQ(engine.cancelled.back(), 2U) << "with no request beside it";
}

TEST(Intake, ACancelThatCameWhileAPortionWasLeftIsNotForgotten) {
  Intake intake;
  FakeEngine engine;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    intake.submit(numbered(number));
  }
  EXPECT_EQ(intake.give(engine, {}, 3), 3U);
  intake.cancel(2);
  // As a turn of the link's thread does, after which it sleeps.
  do {
    intake.give(engine, {}, 100);
  } while (!intake.empty());
  EXPECT_EQ(engine.cancelled, Numbers{2});
}

TEST(Intake, GoesOnAfterAFailure) {
  Intake intake;
  FakeEngine engine;
  bool fails = true;
  engine.on_submit = [&](std::uint64_t number) {
    if (number == 2 && fails) {
      throw std::bad_alloc();
    }
  };
  for (std::uint64_t number = 1; number <= 3; ++number) {
    intake.submit(numbered(number));
  }
  intake.cancel(2);
  EXPECT_THROW(intake.give(engine, {}, 100), std::bad_alloc);
  fails = false;
  EXPECT_EQ(intake.give(engine, {}, 100), 2U);
  EXPECT_EQ(engine.submitted, (Numbers{1, 2, 3}));
  EXPECT_EQ(engine.cancelled, Numbers{2});
}

TEST(ManyToOneQueue, LosesNothingAndKeepsEachThreadsOrder) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEach = 5000;
  ManyToOneQueue<RequestPtr> queue;
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&queue, thread] {
      for (std::uint64_t i = 1; i <= kEach; ++i) {
        RequestPtr request = Request::create("x", {}, 0, {}, {});
        request->id = thread << 32U | i;
        queue.push(std::move(request));
      }
    });
  }
  std::vector<std::uint64_t> last(kThreads, 0);
  std::uint64_t taken = 0;
  while (taken < kThreads * kEach) {
    Request* request = queue.take();
    while (request != nullptr) {
      const RequestPtr owned(request);
      request = request->next;
      EXPECT_EQ(owned->id & 0xffffffffU, ++last[owned->id >> 32U]);
      ++taken;
    }
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(queue.empty());
}

std::unique_ptr<StateChange> state(std::uint64_t number) {
  auto change = std::make_unique<StateChange>();
  change->number = number;
  change->status.state = static_cast<proc_connection_state>(number);
  return change;
}

TEST(EventQueue, LogLinesNeverCrowdOutTheNewestState) {
  EventQueue queue;
  for (int i = 0; i < 5000; ++i) {
    queue.push(std::make_unique<LogLine>(LogEntry(LogKind::kGrpc, PROC_SEVERITY_INFO, "line")));
  }
  std::uint64_t merged = 0;
  for (std::uint64_t number = 1; number <= 500; ++number) {
    merged += queue.push(state(number)) ? 0 : 1;
  }
  EXPECT_EQ(merged, 500U - 64U);
  RequestIds ids;
  EventReader reader(queue, ids);
  EventReader::Item item;
  std::size_t lines = 0;
  std::vector<proc_connection_state> states;
  while (reader.next(item)) {
    if (item.event.type == PROC_EVENT_LOG) {
      ++lines;
    } else {
      states.push_back(item.event.connection);
    }
    reader.release();
  }
  EXPECT_EQ(lines, 1024U);
  ASSERT_EQ(states.size(), 65U);
  EXPECT_TRUE(std::is_sorted(states.begin(), states.end()));
  EXPECT_EQ(states.back(), 500);
}

TEST(EventQueue, TheNewestStateArrivesWhileOthersArePolled) {
  EventQueue queue;
  constexpr std::uint64_t kStates = 20'000;
  std::thread writer([&queue] {
    for (std::uint64_t number = 1; number <= kStates; ++number) {
      queue.push(state(number));
    }
  });
  RequestIds ids;
  EventReader reader(queue, ids);
  proc_connection_state last = 0;
  while (last != static_cast<proc_connection_state>(kStates)) {
    EventReader::Item item;
    if (reader.next(item)) {
      EXPECT_GT(item.event.connection, last) << "an older state after a newer one";
      last = item.event.connection;
      reader.release();
    } else {
      // Readable once there is something. For ever, if it is not: then the test hangs until its time is over.
      queue.fd().wait(std::chrono::milliseconds(-1));
    }
  }
  writer.join();
}

TEST(EventQueue, CountsTheMemoryOfWhatWaits) {
  EventQueue queue;
  auto block = std::make_unique<CompletionBlock>(std::string(100'000, 'x'));
  block->reserve(1);
  block->items.emplace_back();
  queue.push(std::move(block));
  EXPECT_GE(queue.unpolled_bytes(), 100'000U);
  RequestIds ids;
  EventReader reader(queue, ids);
  EventReader::Item item;
  ASSERT_TRUE(reader.next(item));
  ASSERT_FALSE(reader.next(item));
  reader.release();
  EXPECT_EQ(queue.unpolled_bytes(), 0U);
}

int create_plain(pthread_t* thread, ThreadStock::Body body, void* argument) {
  return pthread_create(thread, nullptr, body, argument);
}

TEST(ThreadStock, ThreadsAreTakenWhileOthersAreBroughtIn) {
  ThreadStock stock;
  std::atomic<int> ran{0};
  constexpr int kTaken = 500;
  std::atomic<int> given{0};
  std::thread filler([&] {
    while (given.load() < kTaken) {
      EXPECT_EQ(stock.fill(2, create_plain), 0);
    }
  });
  const auto run = [](void* count) -> void* {
    ++*static_cast<std::atomic<int>*>(count);
    return nullptr;
  };
  while (given.load() < kTaken) {
    pthread_t thread{};
    if (stock.give(&thread, run, &ran)) {
      ++given;
      pthread_join(thread, nullptr);
    }
  }
  filler.join();
  stock.empty();
  EXPECT_TRUE(stock.is_empty());
  EXPECT_GT(given.load(), 0);
  EXPECT_EQ(ran.load(), given.load());
}

TEST(RequestTable, FindsAndForgets) {
  RequestTable table;
  for (std::uint64_t id = 1; id <= 5000; ++id) {
    RequestPtr request = Request::create("x", {}, 0, {}, {});
    request->id = id;
    table.insert(std::move(request));
  }
  EXPECT_EQ(table.size(), 5000U);
  EXPECT_EQ(table.find(4321)->id, 4321U);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(5001), nullptr);
  for (std::uint64_t id = 1; id <= 5000; ++id) {
    EXPECT_EQ(table.take(id)->id, id);
    EXPECT_EQ(table.take(id), nullptr);
    EXPECT_EQ(table.find(id), nullptr);
  }
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace agones::plugin
