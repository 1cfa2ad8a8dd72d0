// SPDX-License-Identifier: Apache-2.0
// Swapping the plugin under load. The processor runs in a process of its own, and counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <memory>
#include <numeric>

#include <agones/client.hpp>
#include <agones/library.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "support/certificates.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/stack.h"
#include "support/temporary_folder.h"
#include "swap/swap_host.h"

namespace agones::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

int swap_count() {
  const char* count = std::getenv("AGONES_SWAPS");
  return count != nullptr ? std::atoi(count) : 50;
}

// What must be as after the first swap.
struct Holdings {
  std::size_t threads = thread_count();
  std::size_t fds = fd_count();
  std::size_t mappings = mapping_count("");
  std::size_t plugins = mapping_count("memfd:libagones");
  std::size_t resident = resident_bytes();
};

// gRPC's singletons, about 10 KB a load, are never freed; the rest is the allocator's fragmentation.
constexpr std::size_t kGrowthLimit = 32 * 1024;
constexpr std::size_t kTlsGrowthLimit = 40 * 1024;

void swap_under_load(std::vector<std::string> processor_options, std::size_t growth_limit,
                     const SwapHost::Adjust& adjust = {}, SwapHost::Form form = SwapHost::Form::kCallback) {
  constexpr std::size_t kSubmitters = 8;
  processor_options.insert(processor_options.end(), {"--pull-interval-ms", "20", "--servers", "1000000"});
  ProcessorProgram processor(processor_options);
  // As it is once the host library is there.
  host_library();
  const std::size_t threads_before = thread_count();
  SwapHost host(processor.address(), adjust, form);
  ASSERT_TRUE(host.poll_until([&] { return host.serving(); }));
  SteadyLoad load(host, kSubmitters);
  const int swaps = swap_count();
  std::uint64_t moved = 0;
  std::uint64_t drained = 0;
  Holdings first;
  for (int i = 1; i <= swaps; ++i) {
    const bool to_new = i % 2 == 1;
    ASSERT_TRUE(host.swap_and_wait(to_new ? new_plugin() : old_plugin())) << "swap " << i;
    const proc_swap_report report = host.report();
    ASSERT_EQ(report.state, PROC_SWAP_DONE) << report.error;
    ASSERT_EQ(report.unloaded, 1) << report.error;
    ASSERT_EQ(host.plugin_version(), to_new ? "1.1.0" : "1.0.0");
    moved += report.moved;
    drained += report.drained;
    if (i == 2) {
      first = Holdings();
    }
  }
  const Holdings last;
  load.stop();
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == host.accepted(); }));
  EXPECT_EQ(host.outcomes["ALLOCATED"], host.accepted());
  const proc_stats stats = host.stats();
  EXPECT_EQ(stats.accepted, host.accepted());
  EXPECT_EQ(stats.allocated, host.accepted());
  EXPECT_EQ(stats.handed_over, moved);
  EXPECT_EQ(stats.taken_over, moved);
  EXPECT_EQ(stats.pending, 0U);
  EXPECT_THAT(host.names(), testing::UnorderedElementsAreArray(processor.stop()));
  EXPECT_TRUE(host.orphan_names.empty());
  std::printf(
      "%d swaps, %zu requests: %llu moved, %llu ended on the old plugin, longest latency %.1f ms; threads %zu -> "
      "%zu, fds %zu -> %zu, mappings %zu -> %zu, RSS %+.1f KB a swap\n",
      swaps, host.accepted(), static_cast<unsigned long long>(moved), static_cast<unsigned long long>(drained),
      static_cast<double>(host.longest_latency.count()) / 1000, first.threads, last.threads, first.fds, last.fds,
      first.mappings, last.mappings,
      (static_cast<double>(last.resident) - static_cast<double>(first.resident)) / 1024 / (swaps - 2));
  // gRPC has a thread more or less from moment to moment; a thread that each swap left would show.
  EXPECT_LT(last.threads, first.threads + static_cast<std::size_t>(swaps) / 4);
  EXPECT_EQ(last.fds, first.fds);
  EXPECT_EQ(last.plugins, first.plugins) << "one plugin is mapped";
  EXPECT_GT(moved + drained, 0U) << "the swaps met no request";
  if (swaps >= 500) {
    // With fewer, the allocator's own settling shows.
    EXPECT_LT(last.resident, first.resident + growth_limit * static_cast<std::size_t>(swaps));
  }
  host.end();
  EXPECT_EQ(thread_count(), threads_before);
}

TEST(Swap, UnderSteadyLoadLosesAndDoublesNothing) {
  swap_under_load({}, kGrowthLimit);
}

TEST(Swap, UnderSteadyLoadWithMutualTls) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_certificate("ca", "server", "processor.test", 10);
  certificates.make_certificate("ca", "client", "host.test", 10);
  const std::string ca = certificates.path("ca.pem");
  const std::string certificate = certificates.path("client.pem");
  const std::string key = certificates.path("client.key");
  swap_under_load({"--tls-certificate", certificates.path("server.pem"), "--tls-key", certificates.path("server.key"),
                   "--tls-client-ca", ca},
                  kTlsGrowthLimit, [&](proc_config& config) {
                    config.transport = PROC_TRANSPORT_TLS;
                    config.tls_ca_file = text(ca);
                    config.tls_certificate_file = text(certificate);
                    config.tls_key_file = text(key);
                  });
}

TEST(Swap, UnderSteadyLoadWithAnArrayOfEvents) {
  swap_under_load({}, kGrowthLimit, {}, SwapHost::Form::kArray);
}

TEST(Swap, UnderSteadyLoadWithJson) {
  swap_under_load({}, kGrowthLimit, {}, SwapHost::Form::kJson);
}

TEST(Swap, WhileTheProcessorIsDownMovesTheUnsent) {
  auto processor = std::make_unique<local::LocalProcessor>(quick_options(), fleet_of(100));
  auto options = quick_options();
  options.address = processor->address();
  SwapHost host(processor->address());
  ASSERT_TRUE(host.poll_until([&] { return host.serving(); }));
  processor.reset();
  ASSERT_TRUE(host.poll_until([&] { return !host.serving(); }));
  for (int i = 0; i < 20; ++i) {
    host.allocate();
  }
  for (const char* plugin : {new_plugin(), old_plugin()}) {
    ASSERT_TRUE(host.swap_and_wait(plugin));
    const proc_swap_report report = host.report();
    ASSERT_EQ(report.state, PROC_SWAP_DONE) << report.error;
    EXPECT_EQ(report.moved, 20U);
    EXPECT_EQ(host.ended(), 0U);
  }
  const local::LocalProcessor returned(options, fleet_of(100));
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == 20; }));
  EXPECT_EQ(host.outcomes["ALLOCATED"], 20U);
}

// A host with a standby alone, so that everything waits.
class SwapOfWaiting : public testing::Test {
 protected:
  static local::LocalProcessorOptions standby() {
    auto options = quick_options();
    options.serving = false;
    return options;
  }

  local::LocalProcessor processor_{standby(), fleet_of(100)};
  SwapHost host_{processor_.address()};
};

// Such as that of a host which has nothing else to do.
TEST_F(SwapOfWaiting, APollThatWaitsIsWoken) {
  ASSERT_TRUE(host_.poll_until([&] { return host_.connection() == PROC_CONNECTION_STANDBY; }));
  host_.poll(0);
  std::thread swapper([&] {
    const auto poll_status = [&] { return host_library().poll(host_.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0); };
    EXPECT_TRUE(wait_until([&] { return poll_status() == PROC_ERR_BUSY; }));
    EXPECT_EQ(host_library().swap(host_.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
  });
  const auto start = Clock::now();
  while (!host_.swapped() && Clock::now() - start < kPatience) {
    host_.poll(kPatienceMs);
  }
  swapper.join();
  EXPECT_LT(Clock::now() - start, kPatience);
}

// An event loop polls when the fd says so, and at no other time.
TEST_F(SwapOfWaiting, TheWakeupFdCarriesItOn) {
  ASSERT_TRUE(host_.poll_until([&] { return host_.connection() == PROC_CONNECTION_STANDBY; }));
  std::int32_t fd = -1;
  ASSERT_EQ(host_library().get_wakeup_fd(host_.handle(), &fd, nullptr, 0), PROC_OK);
  host_.poll(0);
  pollfd watched{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&watched, 1, 0), 0) << "nothing is to be polled";
  ASSERT_EQ(host_library().swap(host_.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
  while (host_.report().state == PROC_SWAP_RUNNING) {
    ASSERT_EQ(::poll(&watched, 1, kPatienceMs), 1);
    host_.poll(0);
  }
  EXPECT_TRUE(host_.swapped()) << host_.report().error;
  host_.poll(0);
  EXPECT_EQ(::poll(&watched, 1, 0), 0) << "it is over";
  host_.allocate();
  processor_.set_serving(true);
  while (host_.ended() == 0) {
    ASSERT_EQ(::poll(&watched, 1, kPatienceMs), 1);
    host_.poll(0);
  }
}

TEST_F(SwapOfWaiting, WhatWasMovedCanBeCancelled) {
  const std::uint64_t first = host_.allocate();
  const std::uint64_t second = host_.allocate();
  ASSERT_TRUE(host_.swap_and_wait(new_plugin()));
  EXPECT_EQ(host_.report().moved, 2U);
  EXPECT_EQ(host_library().cancel(host_.handle(), first, nullptr, 0), PROC_OK);
  ASSERT_TRUE(host_.poll_until([&] { return host_.ended() == 1; }));
  EXPECT_EQ(host_.outcomes["CANCELLED"], 1U);
  const std::uint64_t third = host_.allocate();
  EXPECT_GT(third, second) << "ids go on";
  EXPECT_LT(third, std::uint64_t{1} << 53U);
  EXPECT_EQ(host_library().cancel(host_.handle(), first, nullptr, 0), PROC_OK) << "too late is no error";
  EXPECT_EQ(host_library().cancel(host_.handle(), third + 1, nullptr, 0), PROC_ERR_NOT_FOUND);
  EXPECT_EQ(host_library().cancel(host_.handle(), second + 1, nullptr, 0), PROC_ERR_NOT_FOUND);
}

TEST_F(SwapOfWaiting, WhatWasDrainedStaysSo) {
  host_.allocate();
  ASSERT_EQ(host_library().drain(host_.handle(), PROC_DRAIN_FINISH, nullptr, 0), PROC_OK);
  ASSERT_TRUE(host_.swap_and_wait(new_plugin()));
  ASSERT_TRUE(host_.swapped()) << host_.report().error;
  EXPECT_EQ(host_library().allocate(host_.handle(), PROC_FORMAT_JSON, "{}", 2, 0, 0, nullptr, nullptr, 0),
            PROC_ERR_SHUT_DOWN);
  processor_.set_serving(true);
  ASSERT_TRUE(host_.poll_until([&] { return host_.ended() == 1; }));
  EXPECT_EQ(host_.outcomes["ALLOCATED"], 1U);
}

TEST_F(SwapOfWaiting, InAForkedChildItIsRefused) {
  const pid_t child = fork();
  if (child == 0) {
    proc_swap_report report{};
    report.struct_size = sizeof(report);
    char version[32];
    const bool good =
        host_library().swap(host_.handle(), new_plugin(), nullptr, nullptr, 0) == PROC_ERR_FORKED &&
        host_library().get_swap_report(host_.handle(), &report, nullptr, 0) == PROC_ERR_FORKED &&
        host_library().get_plugin_version(host_.handle(), version, sizeof(version), nullptr, 0) == PROC_ERR_FORKED &&
        host_library().shutdown(host_.handle(), 5000, nullptr, 0) == PROC_ERR_FORKED &&
        host_library().destroy(host_.handle(), nullptr, 0) == PROC_ERR_FORKED;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SwapOfWaiting, ItIsShutDownInTheMiddle) {
  host_.allocate();
  ASSERT_EQ(host_library().swap(host_.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
  char error[256] = "";
  EXPECT_EQ(host_library().swap(host_.handle(), new_plugin(), nullptr, error, sizeof(error)), PROC_ERR_BUSY);
  EXPECT_STREQ(error, "a swap is running");
  host_.poll(0);
  EXPECT_EQ(host_library().shutdown(host_.handle(), 0, error, sizeof(error)), PROC_OK) << error;
  host_.poll(0);
  EXPECT_EQ(host_.ended(), 1U);
  EXPECT_EQ(host_.outcomes["SHUTDOWN"], 1U);
  EXPECT_EQ(host_library().swap(host_.handle(), new_plugin(), nullptr, error, sizeof(error)), PROC_ERR_SHUT_DOWN);
}

TEST(Swap, WhatIsInFlightEndsOnTheOldPlugin) {
  auto options = quick_options();
  options.faults = without_pulls(answers_held_back());
  local::LocalProcessor processor(options, fleet_of(10));
  SwapHost host(processor.address(), [](proc_config& config) {
    config.max_batch_size = 4;
    config.fixed_batches = 1;
    config.max_streams = 1;
  });
  for (int i = 0; i < 10; ++i) {
    host.allocate();
  }
  processor.set_faults(answers_held_back());
  ASSERT_TRUE(host.poll_until([&] { return host.stats().in_flight == 4; }));
  const std::size_t told = host.states_told;
  ASSERT_EQ(host_library().swap(host.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
  ASSERT_TRUE(host.poll_until([&] { return host.report().moved == 6; }));
  EXPECT_EQ(host.stats().pending, 10U);
  processor.set_faults({});
  ASSERT_TRUE(host.poll_until([&] { return host.report().state != PROC_SWAP_RUNNING; }));
  EXPECT_EQ(host.report().drained, 4U);
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == 10; }));
  EXPECT_EQ(host.outcomes["ALLOCATED"], 10U);
  EXPECT_EQ(host.states_told, told) << "for the host nothing happened";
}

TEST(Swap, CountersAndDistributionsGoOn) {
  local::LocalProcessor processor(quick_options(), fleet_of(30));
  SwapHost host(processor.address());
  for (std::size_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      host.allocate();
    }
    ASSERT_TRUE(host.poll_until([&] { return host.ended() == 10 * round; }));
    ASSERT_TRUE(host.swap_and_wait(round % 2 == 1 ? new_plugin() : old_plugin()));
    const auto metrics = std::make_unique<proc_metrics>();
    metrics->struct_size = sizeof(*metrics);
    ASSERT_EQ(host_library().get_metrics(host.handle(), metrics.get(), nullptr, 0), PROC_OK);
    EXPECT_EQ(metrics->answer_time_us.count, 10 * round);
    EXPECT_EQ(metrics->batch_size.sum, 10 * round);
    EXPECT_EQ(metrics->batch_size.count, host.stats().batches_sent);
    EXPECT_EQ(std::accumulate(std::begin(metrics->connections), std::end(metrics->connections), std::uint64_t{0}), 1U);
    EXPECT_EQ(metrics->max_pending, 1'048'576U);
  }
}

TEST(Swap, WhatIsNotAnsweredInTimeEndsAsUnknown) {
  for (const auto form : {SwapHost::Form::kCallback, SwapHost::Form::kArray, SwapHost::Form::kJson}) {
    auto options = quick_options();
    options.faults = answers_held_back();
    local::LocalProcessor processor(options, fleet_of(10));
    SwapHost host(
        processor.address(), [](proc_config& config) { config.swap_drain_timeout_ms = 100; }, form);
    host.allocate();
    ASSERT_TRUE(host.poll_until([&] { return host.stats().in_flight == 1; }));
    ASSERT_TRUE(host.swap_and_wait(new_plugin()));
    EXPECT_TRUE(host.swapped()) << host.report().error;
    EXPECT_EQ(host.ended(), 1U);
    EXPECT_EQ(host.outcomes["SHUTDOWN"], 1U);
  }
}

TEST(Swap, WhatIsGivenUpComesWithinThePollsLimits) {
  constexpr std::size_t kRequests = 20;
  auto options = quick_options();
  options.faults = answers_held_back();
  local::LocalProcessor processor(options, fleet_of(kRequests));
  SwapHost host(processor.address(), [](proc_config& config) { config.swap_drain_timeout_ms = 100; });
  for (std::size_t i = 0; i < kRequests; ++i) {
    host.allocate();
  }
  ASSERT_TRUE(host.poll_until([&] { return host.stats().in_flight == kRequests; }));
  ASSERT_EQ(host_library().swap(host.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
  const auto end = Clock::now() + kPatience;
  while (host.report().state == PROC_SWAP_RUNNING && Clock::now() < end) {
    const std::size_t before = host.ended();
    ASSERT_EQ(host_library().poll(host.handle(), 1, 2000, 1, nullptr, nullptr, nullptr, 0), PROC_OK);
    ASSERT_LE(host.ended(), before + 1);
  }
  EXPECT_TRUE(host.swapped()) << host.report().error;
  EXPECT_EQ(host.report().drained, kRequests);
  EXPECT_EQ(host.outcomes["SHUTDOWN"], kRequests);
}

// The old plugin backs off; the new one finds the processor while it is on trial, where nobody hears it.
TEST(Swap, AStateThatTheNewPluginReachedOnTrialIsTold) {
  for (const auto form : {SwapHost::Form::kCallback, SwapHost::Form::kArray, SwapHost::Form::kJson}) {
    auto processor = std::make_unique<local::LocalProcessor>(quick_options(), fleet_of(10));
    auto options = quick_options();
    options.address = processor->address();
    SwapHost host(
        processor->address(),
        [](proc_config& config) { config.reconnect_max_ms = config.reconnect_initial_ms = 600'000; }, form);
    ASSERT_TRUE(host.poll_until([&] { return host.last_state_told == "SERVING"; }));
    processor.reset();
    ASSERT_TRUE(host.poll_until([&] { return host.last_state_told == "BACKING_OFF"; }));
    const local::LocalProcessor returned(options, fleet_of(10));
    ASSERT_EQ(host_library().swap(host.handle(), new_plugin(), nullptr, nullptr, 0), PROC_OK);
    host.poll(0);
    // The new one connects while nobody polls.
    ASSERT_TRUE(wait_until([&] { return returned.counts().pulls >= 3; }));
    ASSERT_TRUE(host.poll_until([&] { return host.report().state != PROC_SWAP_RUNNING; }));
    EXPECT_TRUE(host.swapped()) << host.report().error;
    EXPECT_TRUE(host.poll_until([&] { return host.last_state_told == "SERVING"; })) << host.last_state_told;
  }
}

TEST(Swap, TwoClientsOfOneFileShareThePlugin) {
  local::LocalProcessor processor(quick_options(), fleet_of(10));
  SwapHost first(processor.address());
  const std::size_t mapped = mapping_count("memfd:libagones");
  SwapHost second(processor.address());
  EXPECT_EQ(mapping_count("memfd:libagones"), mapped);
  ASSERT_TRUE(first.swap_and_wait(new_plugin()));
  EXPECT_EQ(first.report().unloaded, 0);
  EXPECT_STREQ(first.report().error, "other clients use it");
  second.allocate();
  ASSERT_TRUE(second.poll_until([&] { return second.ended() == 1; }));
}

#if !defined(__SANITIZE_ADDRESS__)  // whose frames are larger
TEST(Swap, ItsFunctionsAndStepsTakeLittleStack) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  SwapHost host(processor.address());
  const LibraryApi& api = host_library();
  EXPECT_LE(stack_taken([&] { api.swap(host.handle(), new_plugin(), nullptr, nullptr, 0); }), kStackOfOthers);
  std::size_t most = 0;
  while (host.report().state == PROC_SWAP_RUNNING) {
    most = std::max(most,
                    stack_taken([&] { host_library().poll(host.handle(), 0, 0, 10, nullptr, nullptr, nullptr, 0); }));
  }
  EXPECT_TRUE(host.swapped()) << host.report().error;
  EXPECT_LE(most, kStackOfOthers) << "poll";
  EXPECT_LE(stack_taken([&] { host.report(); }), kStackOfOthers);
  EXPECT_LE(stack_taken([&] { host.plugin_version(); }), kStackOfOthers);
}
#endif

// Closing a host from its own callback, or under a poll, is refused.
TEST(Swap, ClosingFromACallbackAndWhileAPollWaitsIsRefused) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  struct Nested {
    proc_client* client = nullptr;
    std::vector<proc_status> statuses;
  } nested;
  SwapHost host(processor.address(), [&](proc_config& config) {
    config.event_context = &nested;
    config.on_event = [](void* self, const proc_event*) {
      auto& within = *static_cast<Nested*>(self);
      within.statuses = {host_library().poll(within.client, 0, 0, 0, nullptr, nullptr, nullptr, 0),
                         host_library().shutdown(within.client, 0, nullptr, 0),
                         host_library().destroy(within.client, nullptr, 0)};
    };
  });
  nested.client = host.handle();
  ASSERT_TRUE(host.poll_until([&] { return !nested.statuses.empty(); }));
  EXPECT_EQ(nested.statuses, std::vector<proc_status>(3, PROC_ERR_IN_CALLBACK));
  // Nothing more comes that would end a poll.
  ASSERT_TRUE(host.poll_until([&] { return host.serving(); }));
  host.poll(0);
  const auto poll = [&](std::int32_t wait_ms) {
    return host_library().poll(host.handle(), 0, 0, wait_ms, nullptr, nullptr, nullptr, 0);
  };
  std::thread poller([&] {
    while (poll(-1) == PROC_ERR_BUSY) {  // this thread's own attempts below
    }
  });
  EXPECT_TRUE(wait_until([&] { return poll(0) == PROC_ERR_BUSY; }));
  EXPECT_EQ(host_library().shutdown(host.handle(), 0, nullptr, 0), PROC_ERR_BUSY);
  EXPECT_EQ(host_library().destroy(host.handle(), nullptr, 0), PROC_ERR_BUSY);
  host_library().wake(host.handle(), nullptr, 0);
  poller.join();
}

TEST(Swap, ANewPluginThatIsNotServedIsGivenUp) {
  local::LocalProcessor processor(quick_options(), fleet_of(10));
  SwapHost host(processor.address(), [](proc_config& config) {
    config.pull_timeout_ms = 600'000;
    config.swap_ready_timeout_ms = 3000;
  });
  ASSERT_TRUE(host.poll_until([&] { return host.serving(); }));
  const std::size_t before = mapping_count("memfd:libagones");
  processor.set_faults(without_pulls({}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(host.swap_and_wait(new_plugin()));
    const proc_swap_report report = host.report();
    EXPECT_EQ(report.state, PROC_SWAP_FAILED);
    EXPECT_STREQ(report.error, "the new plugin is not serving after 3000 ms: waiting for the first pull");
    EXPECT_EQ(mapping_count("memfd:libagones"), before) << "it is gone when the swap has failed";
  }
  processor.set_faults({});
  host.allocate();
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == 1; }));
  EXPECT_EQ(host.outcomes["ALLOCATED"], 1U);
  EXPECT_EQ(host.plugin_version(), "1.0.0");
}

TEST(Swap, ANewPluginThatRefusesTheConfigIsGivenUp) {
  local::LocalProcessor processor(quick_options(), fleet_of(10));
  const Certificates certificates;
  certificates.make_ca("ca");
  const std::string ca = certificates.path("ca.pem");
  SwapHost host(processor.address(), [&](proc_config& config) {
    config.transport = PROC_TRANSPORT_TLS;
    config.tls_ca_file = text(ca);
  });
  fs::remove(ca);
  ASSERT_TRUE(host.swap_and_wait(new_plugin()));
  EXPECT_EQ(host.report().state, PROC_SWAP_FAILED);
  EXPECT_NE(std::string(host.report().error).find("tls_ca"), std::string::npos) << host.report().error;
  EXPECT_EQ(host.plugin_version(), "1.0.0");
}

class RefusedSwap : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.poll_until([&] { return host_.serving(); }));
  }

  // The swap fails with this reason, and the load goes on on the old plugin.
  void expect_refused(const std::string& path, const std::string& reason) {
    SteadyLoad load(host_);
    ASSERT_TRUE(host_.swap_and_wait(path));
    const proc_swap_report report = host_.report();
    EXPECT_EQ(report.state, PROC_SWAP_FAILED);
    EXPECT_NE(std::string(report.error).find(reason), std::string::npos) << report.error;
    load.stop();
    ASSERT_TRUE(host_.poll_until([&] { return host_.ended() == host_.accepted(); }));
    EXPECT_EQ(host_.outcomes["ALLOCATED"], host_.accepted());
    EXPECT_EQ(host_.plugin_version(), "1.0.0");
  }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.file(name), std::ios::binary) << content;
    return folder_.file(name);
  }

  TemporaryFolder folder_;
  local::LocalProcessor processor_{quick_options(), fleet_of(100'000)};
  SwapHost host_{processor_.address()};
};

TEST_F(RefusedSwap, AMissingFile) {
  expect_refused(folder_.file("none.so"), "No such file");
}

TEST_F(RefusedSwap, AFileThatIsNoLibrary) {
  expect_refused(write("text.so", "hello"), "it is not an ELF file");
}

TEST_F(RefusedSwap, ACutOffFile) {
  std::ifstream whole(new_plugin(), std::ios::binary);
  std::string content(100'000, '\0');
  whole.read(content.data(), static_cast<std::streamsize>(content.size()));
  expect_refused(write("cut.so", content), "it is cut off or damaged");
}

TEST_F(RefusedSwap, ALibraryWithoutTheFunctions) {
  expect_refused(AGONES_BROKEN_PLUGINS "/libbroken_missing_symbol.so", "has no function proc_");
}

TEST_F(RefusedSwap, AnotherMajorVersion) {
  expect_refused(AGONES_BROKEN_PLUGINS "/libbroken_wrong_version.so", "has ABI version 2.0");
}

TEST_F(RefusedSwap, AnOlderMajorVersion) {
  expect_refused(AGONES_BROKEN_PLUGINS "/libbroken_older_version.so", "has ABI version 0.9");
}

TEST_F(RefusedSwap, AFileThatOthersCanWrite) {
  const std::string path = folder_.file("open.so");
  fs::copy_file(new_plugin(), path);
  fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  expect_refused(path, "can be written by other users");
}

TEST_F(RefusedSwap, AFolderThatOthersCanWrite) {
  const std::string path = folder_.file("plugin.so");
  fs::copy_file(new_plugin(), path);
  fs::permissions(folder_.path(), fs::perms::others_write, fs::perm_options::add);
  expect_refused(path, "its folder can be written by other users");
}

TEST(Plugin, TheShaPinIsChecked) {
  LoadOptions options;
  options.sha256 = std::string(64, '0');
  try {
    Library::load(old_plugin(), options);
    FAIL() << "loaded in spite of the pin";
  } catch (const LibraryError& error) {
    EXPECT_EQ(error.kind(), LibraryError::Kind::kNotTrusted);
    const std::string what = error.what();
    const std::size_t start = what.find("its SHA-256 is ") + 15;
    options.sha256 = what.substr(start, 64);
  }
  EXPECT_EQ(Library::load(old_plugin(), options)->version(), "1.0.0");
}

TEST(Plugin, OneFileNameLoadsTwiceAndMayBeOverwritten) {
  const fs::path path = fs::temp_directory_path() / "agones-overwritten.so";
  fs::copy_file(old_plugin(), path, fs::copy_options::overwrite_existing);
  fs::permissions(path, fs::perms::owner_all);
  const auto first = Library::load(path);
  // In place, as a careless deployment does it.
  std::ofstream(path, std::ios::binary | std::ios::trunc) << std::ifstream(new_plugin(), std::ios::binary).rdbuf();
  const auto second = Library::load(path);
  fs::remove(path);
  EXPECT_EQ(first->version(), "1.0.0");
  EXPECT_EQ(second->version(), "1.1.0");
  EXPECT_NE(first->api().init, second->api().init);
}

// Kubernetes mounts a volume with fsGroup as 2775 and a group that is nobody's own.
TEST(Plugin, AFolderThatItsGroupMayWriteToIsTrustedWhenAskedFor) {
  constexpr gid_t kForeignGroup = 4711;
  const TemporaryFolder folder;
  const std::string path = folder.file("plugin.so");
  fs::copy_file(old_plugin(), path);
  if (chown(folder.path().c_str(), static_cast<uid_t>(-1), kForeignGroup) != 0) {
    GTEST_SKIP() << "only root gives a folder to a foreign group";
  }
  ASSERT_EQ(chmod(folder.path().c_str(), 02775), 0);
  try {
    Library::load(path);
    FAIL() << "loaded, though a foreign group may write to its folder";
  } catch (const LibraryError& error) {
    EXPECT_EQ(error.kind(), LibraryError::Kind::kNotTrusted);
    EXPECT_NE(std::string(error.what()).find("those of group 4711"), std::string::npos) << error.what();
  }
  LoadOptions options;
  options.allow_writable_by_group = true;
  EXPECT_EQ(Library::load(path, options)->version(), "1.0.0");
  // The same through the ABI, and for a swap.
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  const auto from_folder = [&](proc_config& config) { config.plugin_file = text(path); };
  EXPECT_ANY_THROW(SwapHost(processor.address(), from_folder));
  SwapHost host(processor.address(), [&](proc_config& config) {
    from_folder(config);
    config.plugin_group_may_write = 1;
  });
  ASSERT_TRUE(host.swap_and_wait(path));
  EXPECT_TRUE(host.swapped()) << host.report().error;
}

TEST(Plugin, AFolderThatALinkLeadsToIsLookedAtToo) {
  const TemporaryFolder open;
  const TemporaryFolder closed;
  fs::copy_file(old_plugin(), open.file("plugin.so"));
  fs::permissions(open.path(), fs::perms::others_write, fs::perm_options::add);
  fs::create_symlink(open.file("plugin.so"), closed.file("plugin.so"));
  try {
    Library::load(closed.file("plugin.so"));
    FAIL() << "loaded, though others may replace what the link leads to";
  } catch (const LibraryError& error) {
    EXPECT_NE(std::string(error.what()).find("the folder that it links to can be written by other users"),
              std::string::npos)
        << error.what();
  }
}

TEST(Plugin, APinnedHostSwapsToPinnedFilesAlone) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  const std::string old_hash = Library::load(old_plugin())->sha256();
  const std::string new_hash = Library::load(new_plugin())->sha256();
  SwapHost host(processor.address(), [&](proc_config& config) { config.plugin_sha256 = text(old_hash); });
  char error[256] = "";
  EXPECT_EQ(host_library().swap(host.handle(), new_plugin(), nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "sha256: missing; the config's plugin_sha256 asks for one");
  const auto swap_with = [&](const std::string& hash) {
    EXPECT_EQ(host_library().swap(host.handle(), new_plugin(), hash.c_str(), error, sizeof(error)), PROC_OK);
    EXPECT_TRUE(host.poll_until([&] { return host.report().state != PROC_SWAP_RUNNING; }));
    return host.report();
  };
  EXPECT_NE(std::string(swap_with(old_hash).error).find("its SHA-256 is " + new_hash), std::string::npos);
  EXPECT_EQ(swap_with(new_hash).state, PROC_SWAP_DONE) << host.report().error;
  EXPECT_ANY_THROW(SwapHost(processor.address(), [&](proc_config& config) { config.plugin_sha256 = text(new_hash); }));
}

TEST(Plugin, TheHostLibraryIsNone) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  const std::string itself = host_library_path();
  try {
    SwapHost host(processor.address(), [&](proc_config& config) { config.plugin_file = text(itself); });
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("is the host library, not a plugin"), std::string::npos) << error.what();
  }
}

// A swap in each language that has a sample host.
class SwapFrom : public testing::Test {
 protected:
  void expect_swapped(std::vector<std::string> command) {
    constexpr std::size_t kCount = 100;
    ProcessorProgram processor({"--pull-interval-ms", "20", "--servers", std::to_string(kCount)});
    command.insert(command.end(), {host_library_path(), processor.address(), std::to_string(kCount), new_plugin()});
    setenv("AGONES_PROCESSOR_PLUGIN", old_plugin(), 1);
    const ProgramResult result = run_program(command);
    unsetenv("AGONES_PROCESSOR_PLUGIN");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_NE(result.errors.find("1.0.0 -> 1.1.0: done"), std::string::npos) << result.errors;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), kCount);
  }
};

TEST_F(SwapFrom, C) {
  expect_swapped({AGONES_C_HOST});
}

#if !defined(__SANITIZE_ADDRESS__)  // which Python can't load
TEST_F(SwapFrom, Python) {
  expect_swapped({"python3", AGONES_PYTHON_HOST});
}

#endif

TEST_F(SwapFrom, Cpp) {
  local::LocalProcessor processor(quick_options(), fleet_of(100));
  ClientOptions options;
  options.processor_address = processor.address();
  options.plaintext = true;
  options.settings = {{"plugin_file", old_plugin()}};
  agones::Client client(Library::load(host_library_path()), options);
  std::size_t allocated = 0;
  const auto allocate = [&] {
    ASSERT_TRUE(client.allocate_json(
        kAnyGameServer, [&](const Result& result) { allocated += result.outcome == Outcome::kAllocated ? 1 : 0; }));
  };
  for (int i = 0; i < 50; ++i) {
    allocate();
  }
  client.swap(new_plugin());
  EXPECT_THROW(client.swap(new_plugin()), Error);
  const auto end = Clock::now() + kPatience;
  while ((client.swap_report().state == SwapReport::State::kRunning || allocated < 50) && Clock::now() < end) {
    client.poll(0, {}, milliseconds(10));
  }
  EXPECT_EQ(client.swap_report().state, SwapReport::State::kDone) << client.swap_report().error;
  EXPECT_TRUE(client.swap_report().unloaded) << client.swap_report().error;
  EXPECT_EQ(client.plugin_version(), "1.1.0");
  EXPECT_EQ(allocated, 50U);
}

TEST_F(SwapFrom, APluginItIsRefused) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  ClientOptions options;
  options.processor_address = processor.address();
  options.plaintext = true;
  agones::Client client(Library::load(old_plugin()), options);
  EXPECT_EQ(client.plugin_version(), "1.0.0");
  EXPECT_EQ(client.swap_report().state, SwapReport::State::kNone);
  try {
    client.swap(new_plugin());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("only the host library can swap"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace agones::test
