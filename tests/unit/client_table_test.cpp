// SPDX-License-Identifier: Apache-2.0
#include "contract/client_table.h"

#include <gtest/gtest.h>

#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace agones::plugin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{60'000};

class CountedClient : public Client {
 public:
  // Those that live.
  class Living {
   public:
    void add(CountedClient* client) {
      const std::lock_guard<std::mutex> lock(mutex_);
      clients_.insert(client);
    }
    void remove(CountedClient* client) {
      const std::lock_guard<std::mutex> lock(mutex_);
      clients_.erase(client);
    }
    std::set<CountedClient*> all() const {
      const std::lock_guard<std::mutex> lock(mutex_);
      return clients_;
    }

   private:
    mutable std::mutex mutex_;
    std::set<CountedClient*> clients_;
  };

  explicit CountedClient(Living& living) : living_(living) { living_.add(this); }
  ~CountedClient() override { living_.remove(this); }

  bool in_forked_child() const override { return forked; }
  Result cancel(std::uint64_t /*id*/) override { return {}; }
  Result drain(proc_drain_flags /*flags*/) override { return {}; }
  void wake() override {}
  int wakeup_fd() const override { return -1; }
  void get_stats(proc_stats& /*stats*/) const override {}
  void get_metrics(proc_metrics& /*metrics*/) const override {}
  Result poll(PollBudget& /*budget*/) override { return {}; }
  Result poll_json(proc_json_fn* /*on_json*/, void* /*context*/, PollBudget& /*budget*/) override { return {}; }
  Result poll_events(proc_event* /*events*/, std::uint32_t /*event_size*/, PollBudget& /*budget*/) override {
    return {};
  }
  Result hand_over(proc_take_fn* /*take*/, void* /*context*/, PollBudget& /*budget*/) override { return {}; }
  Result shutdown(milliseconds /*timeout*/) override { return {}; }
  Result may_destroy() override { return may_be_destroyed; }

  bool forked = false;
  Result may_be_destroyed;

 private:
  Living& living_;
};

class ClientTableTest : public testing::Test {
 protected:
  // A table does not end while there are clients.
  ~ClientTableTest() override {
    for (const CountedClient* const left : living_.all()) {
      delete left;
    }
  }

  proc_client* add(CountedClient** made = nullptr) {
    proc_client* handle = nullptr;
    EXPECT_EQ(table_
                  ->add(&handle,
                        [&](std::unique_ptr<Client>& client) {
                          auto counted = std::make_unique<CountedClient>(living_);
                          if (made != nullptr) {
                            *made = counted.get();
                          }
                          client = std::move(counted);
                          return Result();
                        })
                  .status,
              PROC_OK);
    return handle;
  }
  Result refusal(const proc_client* handle) {
    const ClientTable::Visit visit(*table_, handle);
    return visit.client() == nullptr ? visit.refusal() : Result();
  }
  static const proc_client* moved(const proc_client* handle, std::ptrdiff_t by) {
    return reinterpret_cast<const proc_client*>(reinterpret_cast<std::uintptr_t>(handle) +
                                                static_cast<std::uintptr_t>(by));
  }

  CountedClient::Living living_;
  std::unique_ptr<ClientTable> table_ = std::make_unique<ClientTable>();
};

TEST_F(ClientTableTest, AHandleMeansItsClientUntilItIsDestroyed) {
  CountedClient* made = nullptr;
  const proc_client* const handle = add(&made);
  {
    const ClientTable::Visit visit(*table_, handle);
    EXPECT_EQ(visit.client(), made);
  }
  EXPECT_EQ(table_->destroy(handle, kPatience).status, PROC_OK);
  EXPECT_EQ(living_.all().size(), 0U);
  EXPECT_EQ(refusal(handle).status, PROC_ERR_SHUT_DOWN);
  EXPECT_EQ(refusal(handle).text, "client: it was destroyed");
  EXPECT_EQ(table_->destroy(handle, kPatience).status, PROC_ERR_SHUT_DOWN) << "twice";
}

TEST_F(ClientTableTest, APlaceThatIsUsedAgainHasAnotherHandle) {
  std::set<const proc_client*> handles;
  for (int i = 0; i < 100; ++i) {
    const proc_client* const handle = add();
    EXPECT_TRUE(handles.insert(handle).second);
    for (const proc_client* const old : handles) {
      EXPECT_EQ(refusal(old).status, old == handle ? PROC_OK : PROC_ERR_SHUT_DOWN);
    }
    EXPECT_EQ(table_->destroy(handle, kPatience).status, PROC_OK);
  }
}

TEST_F(ClientTableTest, HandlesLeaveTheBitsAloneThatLanguagesUse) {
  const auto value = reinterpret_cast<std::uintptr_t>(add());
  EXPECT_EQ(value & 15U, 0U);
  EXPECT_EQ(value >> 47U, 0U);
}

TEST_F(ClientTableTest, WhatIsNoHandleOfThisTableIsRefused) {
  const proc_client* const handle = add();
  const int local = 0;
  EXPECT_EQ(refusal(nullptr).text, "client: NULL");
  const auto* const address = reinterpret_cast<const proc_client*>(&local);
  for (const proc_client* const wrong : {moved(nullptr, 16), moved(nullptr, -1), moved(handle, 1), moved(handle, 16),
                                         moved(handle, std::ptrdiff_t{1} << 14), moved(handle, std::ptrdiff_t{1} << 47),
                                         moved(handle, std::ptrdiff_t{1} << 26), address}) {
    EXPECT_EQ(refusal(wrong).status, PROC_ERR_INVALID_ARGUMENT) << wrong;
    EXPECT_EQ(refusal(wrong).text, "client: not one of this library's") << wrong;
    EXPECT_EQ(table_->destroy(wrong, kPatience).status, PROC_ERR_INVALID_ARGUMENT) << wrong;
  }
  EXPECT_EQ(refusal(handle).status, PROC_OK);
}

TEST_F(ClientTableTest, WhatMayNotBeDestroyedStays) {
  CountedClient* made = nullptr;
  const proc_client* const handle = add(&made);
  made->may_be_destroyed = {PROC_ERR_BUSY, "not now"};
  EXPECT_EQ(table_->destroy(handle, kPatience).text, "not now");
  EXPECT_EQ(refusal(handle).status, PROC_OK);
  made->forked = true;
  EXPECT_EQ(refusal(handle).status, PROC_ERR_FORKED);
  EXPECT_EQ(table_->destroy(handle, kPatience).status, PROC_ERR_FORKED);
  EXPECT_EQ(living_.all().size(), 1U);
}

TEST_F(ClientTableTest, NobodyIsInsideWhenAClientGoes) {
  CountedClient* made = nullptr;
  const proc_client* const handle = add(&made);
  auto visit = std::make_unique<ClientTable::Visit>(*table_, handle);
  EXPECT_EQ(table_->destroy(handle, milliseconds(1)).status, PROC_ERR_BUSY);
  EXPECT_EQ(refusal(handle).status, PROC_OK) << "it is as it was";
  Result destroyed;
  std::thread other([&] { destroyed = table_->destroy(handle, kPatience); });
  while (refusal(handle).status == PROC_OK) {
    std::this_thread::yield();
  }
  EXPECT_EQ(living_.all().size(), 1U) << "closed to others, but somebody is inside";
  visit.reset();
  other.join();
  EXPECT_EQ(destroyed.status, PROC_OK);
  EXPECT_EQ(living_.all().size(), 0U);
}

TEST_F(ClientTableTest, OneMoreThanItHoldsIsRefused) {
  for (std::size_t i = 0; i < ClientTable::kMost; ++i) {
    add();
  }
  proc_client* handle = nullptr;
  bool made = false;
  const Result result = table_->add(&handle, [&](std::unique_ptr<Client>& /*client*/) {
    made = true;
    return Result();
  });
  EXPECT_EQ(result.status, PROC_ERR_NO_RESOURCES);
  EXPECT_EQ(result.text, "there are 1024 clients already");
  EXPECT_EQ(handle, nullptr);
  EXPECT_FALSE(made) << "it would have to be thrown away again, with its threads";
}

TEST_F(ClientTableTest, APlaceWhoseClientCouldNotBeMadeIsFree) {
  for (std::size_t i = 0; i < ClientTable::kMost - 1; ++i) {
    add();
  }
  proc_client* handle = nullptr;
  EXPECT_EQ(table_->add(&handle, [](std::unique_ptr<Client>& /*client*/) { return invalid("no"); }).text, "no");
  const auto fail = [](std::unique_ptr<Client>& /*client*/) -> Result { throw std::bad_alloc(); };
  EXPECT_THROW(static_cast<void>(table_->add(&handle, fail)), std::bad_alloc);
  EXPECT_EQ(handle, nullptr);
  EXPECT_NE(add(), nullptr);
}

// Threads call what one thread after the other destroys; ThreadSanitizer and AddressSanitizer see whether it was still there.
TEST_F(ClientTableTest, CallsAndDestructionFromManyThreads) {
  std::atomic<std::uintptr_t> newest{reinterpret_cast<std::uintptr_t>(add())};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        const ClientTable::Visit visit(*table_, reinterpret_cast<const proc_client*>(newest.load()));
        if (visit.client() != nullptr) {
          wrong += visit.client()->wakeup_fd() == -1 ? 0 : 1;
        } else {
          wrong += visit.refusal().status == PROC_ERR_SHUT_DOWN ? 0 : 1;
        }
      }
    });
  }
  std::vector<std::thread> destroyers;
  for (int i = 0; i < 2; ++i) {
    destroyers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        const proc_client* const next = add();
        const auto before = newest.exchange(reinterpret_cast<std::uintptr_t>(next));
        wrong += table_->destroy(reinterpret_cast<const proc_client*>(before), kPatience).status == PROC_OK ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : destroyers) {
    thread.join();
  }
  done = true;
  for (std::thread& thread : callers) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(living_.all().size(), 1U);
}

}  // namespace
}  // namespace agones::plugin
