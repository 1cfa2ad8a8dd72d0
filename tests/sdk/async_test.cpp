// SPDX-License-Identifier: Apache-2.0
// agones/async.hpp, as a C++20 host uses it.
#include <gtest/gtest.h>

#include <agones/async.hpp>
#include <agones/response.hpp>
#include <coroutine>
#include <exception>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using std::chrono::milliseconds;

// The least a host's coroutine can be: it starts at once and frees itself.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

ClientOptions options_for(const std::string& address) {
  ClientOptions options;
  options.processor_address = address;
  options.plaintext = true;
  return options;
}

void poll_until(agones::Client& client, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < end) {
    client.poll(0, {}, milliseconds(20));
  }
  ASSERT_TRUE(condition());
}

Task place(agones::Client& client, int count, std::vector<std::string>& names) {
  for (int i = 0; i < count; ++i) {
    const Result result = co_await client.allocate(Request("default").patch_label("round", std::to_string(i)));
    names.push_back(result.game_server ? result.game_server->name : result.message);
  }
}

Task place_one(agones::Client& client, Request request, std::string& outcome) {
  try {
    const Result result = co_await client.allocate(std::move(request), milliseconds(20'000));
    outcome = result.outcome == Outcome::kShutdown ? "shutdown" : result.outcome == Outcome::kAllocated ? "ok" : "?";
  } catch (const Error& error) {
    outcome = error.what();
  }
}

TEST(Await, CoroutinesGoOnOneAfterAnother) {
  local::LocalProcessor processor(quick_options(), fleet_of(300));
  agones::Client client(Library::load(plugin_path()), options_for(processor.address()));
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) {
    place(client, 3, names);
  }
  poll_until(client, [&] { return names.size() == 300; });
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 300U);
}

TEST(Await, FromManyThreadsWhileAnotherPolls) {
  local::LocalProcessor processor(quick_options(), fleet_of(800));
  agones::Client client(Library::load(plugin_path()), options_for(processor.address()));
  std::vector<std::thread> threads;
  std::vector<std::string> outcomes(800);
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; ++i) {
        place_one(client, Request("default"), outcomes[static_cast<std::size_t>(100 * thread + i)]);
      }
    });
  }
  while (client.stats().allocated < 800) {
    client.poll(0, {}, milliseconds(20));
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  client.shutdown(milliseconds(10'000));
  EXPECT_EQ(outcomes, std::vector<std::string>(800, "ok"));
}

TEST(Await, WhatIsRefusedIsThrownAndShutdownIsAResult) {
  std::string refused;
  std::string ended;
  {
    agones::Client client(Library::load(plugin_path()), options_for("127.0.0.1:1"));
    place_one(client, Request(""), refused);
    EXPECT_EQ(refused, "namespace: missing");
    place_one(client, Request("default"), ended);
    EXPECT_EQ(ended, "");
  }
  EXPECT_EQ(ended, "shutdown");
}

TEST(Future, IsReadyWhenItsResultWasPolled) {
  local::LocalProcessor processor(quick_options(), fleet_of(1));
  agones::Client client(Library::load(plugin_path()), options_for(processor.address()));
  std::future<Result> first = allocate_future(client, Request("default"));
  std::future<Result> refused = allocate_future(client, Request(""));
  EXPECT_THROW(refused.get(), Error);
  poll_until(client, [&] { return first.wait_for(milliseconds(0)) == std::future_status::ready; });
  const Result result = first.get();
  ASSERT_EQ(result.outcome, Outcome::kAllocated);
  const Response response(result.game_server->response);
  EXPECT_EQ(response.game_server_name(), "local-1");
  EXPECT_EQ(response.labels().at("agones.dev/fleet"), "local");
}

}  // namespace
}  // namespace agones::test
