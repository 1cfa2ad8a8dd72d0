// SPDX-License-Identifier: Apache-2.0
// Drain, shutdown, unload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/silent_server.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
using std::chrono::milliseconds;

TEST(Abi, VersionAndNames) {
  EXPECT_EQ(plugin().abi_version(), PROC_ABI_VERSION);
  EXPECT_EQ(std::string(plugin().version()).find_first_not_of("0123456789."), std::string::npos);
  EXPECT_STREQ(plugin().status_string(PROC_OK), "OK");
  EXPECT_STREQ(plugin().status_string(PROC_ERR_INTERNAL), "INTERNAL");
  EXPECT_STREQ(plugin().status_string(PROC_ERR_NO_RESOURCES), "NO_RESOURCES");
  EXPECT_STREQ(plugin().status_string(14), "?");
  EXPECT_STREQ(plugin().status_string(-1), "?");
  EXPECT_STREQ(plugin().outcome_string(PROC_OUTCOME_SHUTDOWN), "SHUTDOWN");
  EXPECT_STREQ(plugin().outcome_string(0), "?");
}

// The time that the fastest of some shutdowns took, of clients that are in this state of the connection for a while. A machine that
// is busy gets more tries.
milliseconds quickest_shutdown(const std::string& address, proc_connection_state state, milliseconds wanted) {
  auto quickest = milliseconds::max();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (int round = 0; round < 5 || (quickest >= wanted && std::chrono::steady_clock::now() < end); ++round) {
    Client client(address);
    EXPECT_TRUE(client.poll_until([&] { return client.connection() == state; }));
    client.poll_for(milliseconds(20 * (round % 5)));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
    quickest = std::min(quickest, std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start));
  }
  return quickest;
}

TEST(Shutdown, IsAsQuickWithAReplicaThatRefusesAsWithOneThatServes) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  // With gRPC's timer for the next attempt it was never less than 130 ms.
  constexpr milliseconds kWanted(50);
  EXPECT_LT(quickest_shutdown("127.0.0.1:1", PROC_CONNECTION_BACKING_OFF, kWanted), kWanted);
  EXPECT_LT(quickest_shutdown(processor.address() + ",127.0.0.1:1", PROC_CONNECTION_SERVING, kWanted), kWanted);
}

TEST(Shutdown, AnswersWhatIsInFlightAndReturnsTheRest) {
  const local::Faults slow = answers_held_back();
  auto options = quick_options();
  options.faults = without_pulls(slow);
  LocalProcessor processor(options, fleet_of(10));
  Client client(processor.address(), [](proc_config& config) {
    config.max_streams = 1;
    config.fixed_batches = 1;
    config.max_batch_size = 4;
  });
  for (int i = 0; i < 10; ++i) {
    client.allocate();
  }
  processor.set_faults(slow);
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 4; }));
  std::thread processor_answers([&] {
    while (client.stats().shut_down < 6) {
      std::this_thread::yield();
    }
    processor.set_faults({});
  });
  EXPECT_EQ(client.shutdown(60'000), PROC_OK) << client.last_refusal.error;
  processor_answers.join();
  ASSERT_EQ(client.results.size(), 10U);
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], 4U);
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_SHUTDOWN], 6U);
  EXPECT_EQ(processor.counts().requests, 4U);
}

TEST(Shutdown, GivesUpAfterItsTime) {
  const local::Faults slow = answers_held_back();
  auto options = quick_options();
  options.faults = without_pulls(slow);
  LocalProcessor processor(options, fleet_of(2));
  Client client(processor.address());
  client.allocate();
  client.allocate();
  processor.set_faults(slow);
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 2; }));
  ASSERT_EQ(client.shutdown(50), PROC_OK) << client.last_refusal.error;
  ASSERT_EQ(client.results.size(), 2U);
  for (const Event& result : client.results) {
    EXPECT_EQ(result.outcome, PROC_OUTCOME_SHUTDOWN);
    EXPECT_EQ(result.delivery, PROC_DELIVERY_UNKNOWN);
  }
}

TEST(Shutdown, WhileThreadsSubmitLosesNothing) {
#ifdef AGONES_SHARED_GRPC
  constexpr int kRounds = 3;  // ThreadSanitizer takes its time
#else
  constexpr int kRounds = 10;
#endif
  for (int round = 0; round < kRounds; ++round) {
    LocalProcessor processor(quick_options(), fleet_of(100'000));
    Client client(processor.address());
    std::atomic<std::uint64_t> accepted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        static constexpr char kBody[] =
            "\x0a\x07"
            "default";
        proc_request request{};
        request.struct_size = sizeof(request);
        request.body = {kBody, sizeof(kBody) - 1};
        while (client.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0) == PROC_OK) {
          accepted.fetch_add(1);
        }
      });
    }
    client.poll_until_results(1);
    // Under a sanitizer, some hundred thousand requests take their time.
    EXPECT_EQ(client.shutdown(120'000), PROC_OK) << client.last_refusal.error;
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(client.results.size(), accepted.load());
    EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], processor.counts().allocated);
    EXPECT_EQ(client.stats().pending, 0U);
  }
}

TEST(Shutdown, BreaksOffAttemptsToConnect) {
#ifdef AGONES_SHARED_GRPC
  GTEST_SKIP() << "in this build gRPC is a library of its own, whose connections the plugin does not see";
#endif
  const SilentServer no_answer;
  const Listener no_word(1);
  auto options = quick_options();
  options.faults = answers_held_back();
  LocalProcessor processor(options, fleet_of(1));
  Client client(processor.address() + "," + no_answer.address() + "," + no_word.address(),
                [](proc_config& config) { config.connect_timeout_ms = 600'000; });
  client.allocate();
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 1; }));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.shutdown(100), PROC_OK) << client.last_refusal.error;
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
  ASSERT_EQ(client.results.size(), 1U);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_UNKNOWN);
}

TEST(Shutdown, EndsWithTheAttemptToConnectThatIsUnderWay) {
  // Something that accepts connections and says nothing.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  Client client("127.0.0.1:" + std::to_string(ntohs(address.sin_port)),
                [](proc_config& config) { config.connect_timeout_ms = 600'000; });
  const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(connection, 0);
  close(listener);
  std::thread peer([&] {
    const proc_request request = json_request();
    while (client.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0) == PROC_OK) {
      std::this_thread::yield();
    }
    // Most likely the plugin has given the attempt up by then; it must end in either order.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    close(connection);
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.shutdown(0), PROC_OK) << client.last_refusal.error;
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
  peer.join();
}

TEST(Drain, FinishesWhatWasAccepted) {
  LocalProcessor processor(quick_options(), fleet_of(500));
  Client client(processor.address());
  for (int i = 0; i < 500; ++i) {
    client.allocate();
  }
  EXPECT_EQ(client.api().drain(client.handle(), PROC_DRAIN_FINISH, nullptr, 0), PROC_OK);
  EXPECT_EQ(client.allocate(), 0U);
  EXPECT_EQ(client.last_refusal.status, PROC_ERR_SHUT_DOWN);
  ASSERT_TRUE(client.poll_until_results(500));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], 500U);
}

TEST(Drain, ReturnsUnsentRequestsWithBytesAndTimeLeft) {
  auto options = quick_options();
  options.serving = false;
  LocalProcessor processor(options, fleet_of(5));
  Client client(processor.address());
  client.allocate(R"({"namespace":"default"})", 60'000, 0x1234567890abcdef);
  EXPECT_EQ(client.api().drain(client.handle(), PROC_DRAIN_RETURN_UNSENT, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(1));
  EXPECT_EQ(client.results[0].outcome, PROC_OUTCOME_SHUTDOWN);
  EXPECT_EQ(client.results[0].delivery, PROC_DELIVERY_NOT_SENT);
  EXPECT_EQ(client.results[0].token, 0x1234567890abcdefU);
  EXPECT_EQ(client.results[0].request,
            "\x0a\x07"
            "default");
  EXPECT_GT(client.results[0].remaining_ms, 0U);
  EXPECT_LE(client.results[0].remaining_ms, 60'000U);
}

TEST(Drain, EndsAllWhileThePollsGoOn) {
  auto options = quick_options();
  options.faults = answers_held_back();
  LocalProcessor processor(options, fleet_of(5));
  Client client(processor.address(), [](proc_config& config) {
    config.max_batch_size = 2;
    config.fixed_batches = 1;
    config.max_streams = 1;
  });
  for (int i = 0; i < 3; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until([&] { return client.stats().in_flight == 2; }));
  EXPECT_EQ(client.api().drain(client.handle(), PROC_DRAIN_END_ALL, nullptr, 0), PROC_OK);
  ASSERT_TRUE(client.poll_until_results(3));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_SHUTDOWN], 3U);
  EXPECT_EQ(std::count_if(client.results.begin(), client.results.end(),
                          [](const Event& result) { return result.delivery == PROC_DELIVERY_UNKNOWN; }),
            2);
  EXPECT_EQ(client.stats().pending, 0U);
  // The answers are still heard.
  processor.set_faults({});
  ASSERT_TRUE(client.poll_until([&] { return client.orphans.size() == 2; }));
}

TEST(Client, TwoInOneProcessShareAProcessor) {
  LocalProcessor processor(quick_options(), fleet_of(1000));
  Client first(processor.address());
  Client second(processor.address());
  for (int i = 0; i < 500; ++i) {
    first.allocate();
    second.allocate();
  }
  ASSERT_TRUE(first.poll_until_results(500));
  ASSERT_TRUE(second.poll_until_results(500));
  auto names = first.allocated_names();
  const auto more = second.allocated_names();
  names.insert(names.end(), more.begin(), more.end());
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(names_in(processor)));
  EXPECT_EQ(names.size(), 1000U);
}

TEST(Client, CallbacksRunOnThePollingThreadAlone) {
  LocalProcessor processor(quick_options(), fleet_of(100));
  Client client(processor.address());
  std::atomic<int> elsewhere{0};
  const auto self = std::this_thread::get_id();
  client.on_event = [&](const proc_event&) { elsewhere += std::this_thread::get_id() == self ? 0 : 1; };
  for (int i = 0; i < 100; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(100));
  processor.kill();
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  client.shutdown();
  EXPECT_FALSE(client.logs.empty());
  EXPECT_EQ(elsewhere.load(), 0);
}

TEST(Client, ThrowingCallbacksAreSurvived) {
  LocalProcessor processor(quick_options(), fleet_of(3));
  Client client(processor.address());
  client.on_event = [](const proc_event& event) {
    if (event.type == PROC_EVENT_RESULT) {
      throw std::runtime_error("a host's bug");
    }
  };
  for (int i = 0; i < 3; ++i) {
    client.allocate();
  }
  ASSERT_TRUE(client.poll_until_results(3));
  ASSERT_TRUE(client.poll_until([&] { return client.logs.size() >= 3; }));
}

#if !defined(AGONES_THREAD_SANITIZER)  // which has the shared gRPC, whose threads are its own
// The first "SigBlk" of every thread of this process named like one of the plugin's or gRPC's.
TEST(Client, ItsThreadsBlockAllSignals) {
  std::vector<std::string> before;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    before.push_back(task.path().filename());
  }
  // Without a server of our own: only the plugin's threads are new.
  Client client("127.0.0.1:1");
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
  std::size_t checked = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (std::find(before.begin(), before.end(), task.path().filename()) != before.end()) {
      continue;
    }
    std::ifstream status(task.path() / "status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.rfind("SigBlk:", 0) == 0) {
        const auto blocked = std::stoull(line.substr(7), nullptr, 16);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE, SIGCHLD, SIGPROF}) {
          EXPECT_NE(blocked & (1ULL << (signal - 1)), 0U) << "signal " << signal;
        }
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 0U);
  EXPECT_LE(checked, 9U) << "more threads than promised";
}
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(AGONES_THREAD_SANITIZER)
// A copy of the file, so that it is a library of its own beside the one the other tests use.
TEST(Unload, LeavesTheProcessAsItWas) {
  const TemporaryFolder folder;
  const std::filesystem::path copied = folder.file("agones-unload-test.so");
  std::filesystem::copy_file(plugin_path(), copied, std::filesystem::copy_options::overwrite_existing);
  const std::string name = copied.filename();
  // In a process of its own: a server's thread pool in this one would blur the count.
  const ProcessorProgram processor({"--pull-interval-ms", "10"});
  std::size_t threads = 0;
  std::size_t fds = 0;
  std::size_t maps = 0;
  for (int round = 0; round < 20; ++round) {
    RawLibrary library(copied);
    EXPECT_GT(mapping_count(name), 0U);
    {
      Client client(processor.address(), {}, library.api());
      char busy[128] = "";
      EXPECT_EQ(library.api().get_unload_state(busy, sizeof(busy)), PROC_UNLOAD_BUSY);
      EXPECT_STREQ(busy, "1 client is not destroyed");
      client.allocate();
      ASSERT_TRUE(client.poll_until_results(1));
      ASSERT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
    }
    char reason[256] = "";
    ASSERT_EQ(library.api().get_unload_state(reason, sizeof(reason)), PROC_UNLOAD_SAFE) << reason;
    library.close();
    ASSERT_EQ(mapping_count(name), 0U) << "round " << round;
    if (round == 0) {
      threads = thread_count();
      fds = fd_count();
      maps = mapping_count("");
    }
  }
  EXPECT_EQ(thread_count(), threads);
  EXPECT_EQ(fd_count(), fds);
  EXPECT_LE(mapping_count(""), maps + 4) << "malloc's arenas may vary";
}

TEST(Unload, IsSafeAfterFailedConnections) {
  const TemporaryFolder folder;
  const std::filesystem::path copied = folder.file("agones-unload-failed-test.so");
  std::filesystem::copy_file(plugin_path(), copied, std::filesystem::copy_options::overwrite_existing);
  for (int round = 0; round < 5; ++round) {
    RawLibrary library(copied);
    {
      Client client("127.0.0.1:1", {}, library.api());
      ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_BACKING_OFF; }));
      ASSERT_EQ(client.shutdown(0), PROC_OK) << client.last_refusal.error;
    }
    ASSERT_EQ(library.api().get_unload_state(nullptr, 0), PROC_UNLOAD_SAFE);
    library.close();
    ASSERT_EQ(mapping_count(copied.filename()), 0U);
  }
}
#endif

}  // namespace
}  // namespace agones::test
