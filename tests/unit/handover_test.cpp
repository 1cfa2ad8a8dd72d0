// SPDX-License-Identifier: Apache-2.0
// What many host threads use at once; meant for ThreadSanitizer as well.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "engine/request.h"
#include "engine/request_table.h"
#include "session/admission.h"
#include "session/handover_queue.h"

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

TEST(HandoverQueue, LosesNothingAndKeepsEachThreadsOrder) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEach = 5000;
  HandoverQueue<RequestPtr> queue;
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&queue, thread] {
      for (std::uint64_t i = 1; i <= kEach; ++i) {
        RequestPtr request = Request::create("x", nullptr, {}, {});
        request->id = thread << 32U | i;
        queue.push(std::move(request));
      }
    });
  }
  std::vector<std::uint64_t> last(kThreads, 0);
  std::uint64_t taken = 0;
  while (taken < kThreads * kEach) {
    Request* request = queue.take_all();
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

TEST(RequestTable, FindsAndForgets) {
  RequestTable table;
  for (std::uint64_t id = 1; id <= 5000; ++id) {
    RequestPtr request = Request::create("x", nullptr, {}, {});
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
