// SPDX-License-Identifier: Apache-2.0
// Swapping the plugin under load. The processor runs in a process of its own, and counts.
#include <agones/processor_host.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <agones/client.hpp>
#include <agones/swap.hpp>
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
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

// A host that counts what it is told, over a SwapClient.
class Host {
 public:
  using Adjust = std::function<void(proc_config&)>;
  explicit Host(const std::string& address, const Adjust& adjust = {}, const SwapClient::Options& options = {})
      : names_(kMostRequests), seen_(kMostRequests) {
    proc_config config = plaintext_config(address);
    config.log_level = PROC_SEVERITY_OFF;
    config.allocation_timeout_ms = 600'000;
    config.on_event = [](void* self, const proc_event* event) { static_cast<Host*>(self)->handle(*event); };
    config.event_context = this;
    if (adjust) {
      adjust(config);
    }
    client_ = std::make_unique<SwapClient>(AGONES_PLUGIN_OLD, config, options);
  }

  SwapClient& client() { return *client_; }
  void end() { client_.reset(); }

  void allocate() {
    std::uint64_t id = 0;
    std::string error;
    const proc_status status = client_->allocate(json_request(), &id, &error);
    ASSERT_EQ(status, PROC_OK) << error;
    accepted_.fetch_add(1);
  }

  bool poll_until(const std::function<bool()>& condition) {
    const auto end = Clock::now() + 2 * kPatience;
    while (!condition()) {
      if (Clock::now() > end) {
        return false;
      }
      client_->poll(0, {}, milliseconds(2), nullptr);
    }
    return true;
  }

  bool swap_and_wait(const std::string& plugin) {
    return client_->swap(plugin) &&
           poll_until([this] { return client_->report().state != SwapReport::State::kRunning; });
  }

  std::size_t ended() const { return ended_; }
  std::size_t accepted() const { return accepted_.load(); }
  std::vector<std::string> names() const {
    return {names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(named_)};
  }
  std::vector<std::string> orphan_names;
  std::map<proc_outcome, std::size_t> outcomes;
  std::chrono::microseconds longest_latency{0};

 private:
  void handle(const proc_event& event) {
    if (event.type == PROC_EVENT_RESULT) {
      ASSERT_LT(event.request_id, kMostRequests);
      EXPECT_EQ(seen_[event.request_id], 0) << "a request ended twice";
      seen_[event.request_id] = 1;
      ++ended_;
      ++outcomes[event.outcome];
      longest_latency = std::max(longest_latency, std::chrono::microseconds(event.latency_us));
      if (event.outcome == PROC_OUTCOME_ALLOCATED) {
        names_[named_++].assign(event.game_server_name.data, event.game_server_name.size);
      }
    } else if (event.type == PROC_EVENT_ORPHAN) {
      orphan_names.push_back(copy(event).game_server);
    }
  }

  // Books of a fixed size: what grows in this process during a swap is not the test's.
  static constexpr std::size_t kMostRequests = 1'000'000;
  std::unique_ptr<SwapClient> client_;
  std::atomic<std::size_t> accepted_{0};
  std::size_t ended_ = 0;
  std::size_t named_ = 0;
  std::vector<std::string> names_;
  std::vector<char> seen_;
};

// Submits at a steady rate from a thread of its own until it is stopped.
class SteadyLoad {
 public:
  explicit SteadyLoad(Host& host)
      : thread_([this, &host] {
          while (!stop_.load()) {
            host.allocate();
            std::this_thread::sleep_for(milliseconds(1));
          }
        }) {}
  ~SteadyLoad() { stop(); }
  void stop() {
    stop_.store(true);
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

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
                     const Host::Adjust& adjust = {}) {
  processor_options.insert(processor_options.end(), {"--pull-interval-ms", "20", "--servers", "1000000"});
  ProcessorProgram processor(processor_options);
  const std::size_t threads_before = thread_count();
  Host host(processor.address(), adjust);
  ASSERT_TRUE(host.poll_until([&] { return host.client().connection() == PROC_CONNECTION_SERVING; }));
  SteadyLoad load(host);
  const int swaps = swap_count();
  std::uint64_t moved = 0;
  std::uint64_t drained = 0;
  Holdings first;
  for (int i = 1; i <= swaps; ++i) {
    const bool to_new = i % 2 == 1;
    ASSERT_TRUE(host.swap_and_wait(to_new ? AGONES_PLUGIN_NEW : AGONES_PLUGIN_OLD)) << "swap " << i;
    const SwapReport report = host.client().report();
    ASSERT_EQ(report.state, SwapReport::State::kDone) << report.error;
    ASSERT_TRUE(report.unloaded) << report.error;
    ASSERT_EQ(host.client().plugin_version(), to_new ? "1.1.0" : "1.0.0");
    moved += report.moved;
    drained += report.drained;
    if (i == 2) {
      first = Holdings();
    }
  }
  const Holdings last;
  load.stop();
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == host.accepted(); }));
  EXPECT_EQ(host.outcomes[PROC_OUTCOME_ALLOCATED], host.accepted());
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

TEST(Swap, WhileTheProcessorIsDownMovesTheUnsent) {
  auto processor = std::make_unique<local::LocalProcessor>(quick_options(), fleet_of(100));
  auto options = quick_options();
  options.address = processor->address();
  Host host(processor->address());
  ASSERT_TRUE(host.poll_until([&] { return host.client().connection() == PROC_CONNECTION_SERVING; }));
  processor.reset();
  ASSERT_TRUE(host.poll_until([&] { return host.client().connection() != PROC_CONNECTION_SERVING; }));
  for (int i = 0; i < 20; ++i) {
    host.allocate();
  }
  ASSERT_TRUE(host.swap_and_wait(AGONES_PLUGIN_NEW));
  const SwapReport report = host.client().report();
  ASSERT_EQ(report.state, SwapReport::State::kDone) << report.error;
  EXPECT_EQ(report.moved, 20U);
  EXPECT_EQ(host.ended(), 0U);
  const local::LocalProcessor returned(options, fleet_of(100));
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == 20; }));
  EXPECT_EQ(host.outcomes[PROC_OUTCOME_ALLOCATED], 20U);
}

TEST(Swap, PollingFromACallbackIsRefusedByName) {
  const local::LocalProcessor processor(quick_options(), fleet_of(1));
  struct Nested {
    SwapClient* client = nullptr;
    proc_status status = PROC_OK;
  } nested;
  const std::string address = processor.address();
  proc_config config = plaintext_config(address);
  config.on_event = [](void* self, const proc_event*) {
    auto& within = *static_cast<Nested*>(self);
    within.status = within.client->poll(0, {}, {}, nullptr);
  };
  config.event_context = &nested;
  SwapClient client(AGONES_PLUGIN_OLD, config, SwapClient::Options{});
  nested.client = &client;
  const auto end = Clock::now() + kPatience;
  while (nested.status == PROC_OK && Clock::now() < end) {
    EXPECT_EQ(client.poll(0, {}, milliseconds(10), nullptr), PROC_OK);
  }
  EXPECT_EQ(nested.status, PROC_ERR_IN_CALLBACK);
}

TEST(Swap, ANewPluginThatIsNotServedIsGivenUp) {
  local::LocalProcessor processor(quick_options(), fleet_of(10));
  SwapClient::Options options;
  options.ready_timeout = milliseconds(200);
  Host host(
      processor.address(), [](proc_config& config) { config.pull_timeout_ms = 600'000; }, options);
  ASSERT_TRUE(host.poll_until([&] { return host.client().connection() == PROC_CONNECTION_SERVING; }));
  const std::size_t before = mapping_count("memfd:libagones");
  processor.set_faults(without_pulls({}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(host.swap_and_wait(AGONES_PLUGIN_NEW));
    const SwapReport report = host.client().report();
    EXPECT_EQ(report.state, SwapReport::State::kFailed);
    EXPECT_EQ(report.error, "the new plugin is not serving after 200 ms: waiting for the first pull");
    EXPECT_EQ(mapping_count("memfd:libagones"), before) << "it is gone when the swap has failed";
  }
  processor.set_faults({});
  host.allocate();
  ASSERT_TRUE(host.poll_until([&] { return host.ended() == 1; }));
  EXPECT_EQ(host.outcomes[PROC_OUTCOME_ALLOCATED], 1U);
  EXPECT_EQ(host.client().plugin_version(), "1.0.0");
}

class RefusedSwap : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.poll_until([&] { return host_.client().connection() == PROC_CONNECTION_SERVING; }));
  }

  // The swap fails with this reason, and the load goes on on the old plugin.
  void expect_refused(const std::string& path, const std::string& reason) {
    SteadyLoad load(host_);
    ASSERT_TRUE(host_.swap_and_wait(path));
    const SwapReport report = host_.client().report();
    EXPECT_EQ(report.state, SwapReport::State::kFailed);
    EXPECT_NE(report.error.find(reason), std::string::npos) << report.error;
    load.stop();
    ASSERT_TRUE(host_.poll_until([&] { return host_.ended() == host_.accepted(); }));
    EXPECT_EQ(host_.outcomes[PROC_OUTCOME_ALLOCATED], host_.accepted());
    EXPECT_EQ(host_.client().plugin_version(), "1.0.0");
  }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.file(name), std::ios::binary) << content;
    return folder_.file(name);
  }

  TemporaryFolder folder_;
  local::LocalProcessor processor_{quick_options(), fleet_of(100'000)};
  Host host_{processor_.address()};
};

TEST_F(RefusedSwap, AMissingFile) {
  expect_refused(folder_.file("none.so"), "No such file");
}

TEST_F(RefusedSwap, AFileThatIsNoLibrary) {
  expect_refused(write("text.so", "hello"), "it is not an ELF file");
}

TEST_F(RefusedSwap, ACutOffFile) {
  std::ifstream whole(AGONES_PLUGIN_NEW, std::ios::binary);
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
  fs::copy_file(AGONES_PLUGIN_NEW, path);
  fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  expect_refused(path, "can be written by other users");
}

TEST_F(RefusedSwap, AFolderThatOthersCanWrite) {
  const std::string path = folder_.file("plugin.so");
  fs::copy_file(AGONES_PLUGIN_NEW, path);
  fs::permissions(folder_.path(), fs::perms::others_write, fs::perm_options::add);
  expect_refused(path, "its folder can be written by other users");
}

TEST(Plugin, TheShaPinIsChecked) {
  PluginOptions options;
  options.sha256 = std::string(64, '0');
  try {
    Plugin::load(AGONES_PLUGIN_OLD, options);
    FAIL() << "loaded in spite of the pin";
  } catch (const PluginError& error) {
    EXPECT_EQ(error.kind(), PluginError::Kind::kNotTrusted);
    const std::string what = error.what();
    const std::size_t start = what.find("its SHA-256 is ") + 15;
    options.sha256 = what.substr(start, 64);
  }
  EXPECT_EQ(Plugin::load(AGONES_PLUGIN_OLD, options)->version(), "1.0.0");
}

TEST(Plugin, OneFileNameLoadsTwiceAndMayBeOverwritten) {
  const fs::path path = fs::temp_directory_path() / "agones-overwritten.so";
  fs::copy_file(AGONES_PLUGIN_OLD, path, fs::copy_options::overwrite_existing);
  fs::permissions(path, fs::perms::owner_all);
  const auto first = Plugin::load(path);
  // In place, as a careless deployment does it.
  std::ofstream(path, std::ios::binary | std::ios::trunc) << std::ifstream(AGONES_PLUGIN_NEW, std::ios::binary).rdbuf();
  const auto second = Plugin::load(path);
  fs::remove(path);
  EXPECT_EQ(first->version(), "1.0.0");
  EXPECT_EQ(second->version(), "1.1.0");
  EXPECT_NE(first->api().init, second->api().init);
}

TEST(SwapC, ThroughPlainCFunctions) {
  local::LocalProcessor processor(quick_options(), fleet_of(200));
  const std::string address = processor.address();
  proc_config config = plaintext_config(address);
  std::size_t allocated = 0;
  config.on_event = [](void* count, const proc_event* event) {
    *static_cast<std::size_t*>(count) += event->outcome == PROC_OUTCOME_ALLOCATED ? 1 : 0;
  };
  config.event_context = &allocated;
  char error[256] = "";
  proc_host* host = nullptr;
  EXPECT_EQ(proc_host_open("/no/such.so", &config, &host, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error).find("No such file"), std::string::npos);
  EXPECT_EQ(proc_host_open(nullptr, nullptr, nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  ASSERT_EQ(proc_host_open(AGONES_PLUGIN_OLD, &config, &host, error, sizeof(error)), PROC_OK) << error;
  const proc_request request = json_request();
  for (int i = 0; i < 100; ++i) {
    std::uint64_t id = 0;
    ASSERT_EQ(proc_host_allocate(host, &request, &id, error, sizeof(error)), PROC_OK) << error;
    ASSERT_EQ(id, static_cast<std::uint64_t>(i + 1));
  }
  ASSERT_EQ(proc_host_swap(host, AGONES_PLUGIN_NEW), PROC_OK);
  EXPECT_EQ(proc_host_swap(host, AGONES_PLUGIN_NEW), PROC_ERR_BUSY);
  proc_swap_report report{};
  report.struct_size = sizeof(report);
  const auto end = Clock::now() + kPatience;
  do {
    proc_host_poll(host, 0, 0, 2, nullptr);
    ASSERT_EQ(proc_host_get_swap_report(host, &report), PROC_OK);
  } while ((report.state == PROC_SWAP_RUNNING || allocated < 100) && Clock::now() < end);
  EXPECT_EQ(report.state, PROC_SWAP_DONE) << report.error;
  EXPECT_EQ(report.unloaded, 1) << report.error;
  EXPECT_STREQ(report.from_version, "1.0.0");
  EXPECT_STREQ(report.to_version, "1.1.0");
  EXPECT_EQ(allocated, 100U);
  EXPECT_EQ(proc_host_close(host, 1000), PROC_OK);
}

}  // namespace
}  // namespace agones::test
