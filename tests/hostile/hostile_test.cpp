// SPDX-License-Identifier: Apache-2.0
// Hosts that make it hard. This one links another gRPC and the full Protobuf, and has registered the same proto
// files; so do all contract tests.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "support/certificates.h"
#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
namespace fs = std::filesystem;

// A file of its own, so that the library is loaded and unloaded for this test alone.
class OwnCopy {
 public:
  OwnCopy() { fs::copy_file(plugin_path(), path()); }
  std::string path() const { return folder_.file("plugin.so"); }

 private:
  TemporaryFolder folder_;
};

void expect_allocated(Client& client, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_NE(client.allocate(), 0U) << client.last_refusal.error;
  }
  ASSERT_TRUE(client.poll_until_results(count));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], count);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(AGONES_THREAD_SANITIZER)
TEST(Hostile, LoadedWithRtldGlobal) {
  const OwnCopy copy;
  LocalProcessor processor(quick_options(), fleet_of(10));
  RawLibrary library(copy.path(), RTLD_GLOBAL);
  {
    Client client(processor.address(), {}, library.api());
    expect_allocated(client, 10);
    ASSERT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
  }
  ASSERT_EQ(library.api().get_unload_state(nullptr, 0), PROC_UNLOAD_SAFE);
  library.close();
  EXPECT_EQ(mapping_count(copy.path()), 0U);
  // The host's own gRPC works on.
  Client other(processor.address());
  ASSERT_TRUE(other.poll_until([&] { return other.connection() == PROC_CONNECTION_SERVING; }));
}

TEST(Hostile, ThreadsThatCalledThePluginEndAfterItIsGone) {
  const OwnCopy copy;
  LocalProcessor processor(quick_options(), fleet_of(100));
  RawLibrary library(copy.path());
  std::promise<void> gone;
  const auto is_gone = gone.get_future().share();
  std::atomic<int> called{0};
  std::vector<std::thread> threads;
  {
    Client client(processor.address(), {}, library.api());
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, is_gone] {
        const proc_request request = json_request();
        EXPECT_EQ(library.api().allocate_request(client.handle(), &request, nullptr, nullptr, 0), PROC_OK);
        called.fetch_add(1);
        is_gone.wait();
      });
    }
    ASSERT_TRUE(client.poll_until([&] { return called.load() == 8 && client.results.size() == 8; }));
    ASSERT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
  }
  ASSERT_EQ(library.api().get_unload_state(nullptr, 0), PROC_UNLOAD_SAFE);
  library.close();
  EXPECT_EQ(mapping_count(copy.path()), 0U);
  gone.set_value();
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(Hostile, AThreadThatMadeAndEndedAClientEndsAfterThePluginIsGone) {
  const OwnCopy copy;
  LocalProcessor processor(quick_options(), fleet_of(100));
  RawLibrary library(copy.path());
  std::promise<void> gone;
  std::promise<void> done;
  std::thread thread([&] {
    // Connected and ended many times, so that it surely has waited inside of gRPC.
    for (int round = 0; round < 20; ++round) {
      Client client(processor.address(), {}, library.api());
      expect_allocated(client, 2);
      EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
    }
    done.set_value();
    gone.get_future().wait();
  });
  done.get_future().wait();
  EXPECT_EQ(library.api().get_unload_state(nullptr, 0), PROC_UNLOAD_SAFE);
  library.close();
  EXPECT_EQ(mapping_count(copy.path()), 0U);
  gone.set_value();
  thread.join();
}

TEST(Hostile, AChildForkedBeforeInitMayUseThePlugin) {
  const ProcessorProgram processor({"--pull-interval-ms", "10"});
  const OwnCopy copy;
  const RawLibrary library(copy.path());
  ASSERT_EQ(library.api().abi_version(), PROC_ABI_VERSION);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    Client client(processor.address(), {}, library.api());
    for (int i = 0; i < 5; ++i) {
      client.allocate();
    }
    const bool good =
        client.poll_until_results(5) && client.outcomes()[PROC_OUTCOME_ALLOCATED] == 5 && client.shutdown() == PROC_OK;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Hostile, ExitWithoutShutdownNeverCrashes) {
  const ProcessorProgram processor({"--pull-interval-ms", "5", "--servers", "10000"});
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(run_program({AGONES_EXIT_HOST, plugin_path(), processor.address()}).exit_code, 0) << "time " << i;
  }
}

TEST(Hostile, AnotherAllocatorPreloaded) {
  const ProcessorProgram processor({"--pull-interval-ms", "10"});
  const ProgramResult result =
      run_program({"env", "LD_PRELOAD=libjemalloc.so.2", AGONES_C_HOST, plugin_path(), processor.address(), "200"});
  EXPECT_EQ(result.exit_code, 0);
}

// Run by the next test, in a process that believes in 64 cores.
TEST(Hostile, DISABLED_PrintThreadsOfAClient) {
  const std::size_t before = thread_count();
  Client client(std::getenv("AGONES_TEST_PROCESSOR"));
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  std::printf("threads=%zu\n", thread_count() - before);
}

TEST(Hostile, FewThreadsOnAMachineOfManyCores) {
  const ProcessorProgram processor({"--pull-interval-ms", "10"});
  const ProgramResult result =
      run_program({"env", "LD_PRELOAD=" AGONES_MANY_CORES, "AGONES_TEST_PROCESSOR=" + processor.address(),
                   std::filesystem::read_symlink("/proc/self/exe").string(), "--gtest_also_run_disabled_tests",
                   "--gtest_filter=*PrintThreadsOfAClient"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::size_t found = result.output.find("threads=");
  ASSERT_NE(found, std::string::npos) << result.output;
  EXPECT_LE(std::stoul(result.output.substr(found + 8)), 9U) << "gRPC has a thread for each core";
}

// Run by the next test: a host that forks while it allocates.
TEST(Hostile, DISABLED_AllocateAndFork) {
  const std::string ca_file = std::getenv("AGONES_TEST_CA");
  Client client(std::getenv("AGONES_TEST_PROCESSOR"), [&](proc_config& config) {
    config.transport = ca_file == "plaintext" ? PROC_TRANSPORT_PLAINTEXT : PROC_TRANSPORT_TLS;
    config.tls_ca_file = text(ca_file == "plaintext" || ca_file == "system" ? std::string_view() : ca_file);
  });
  expect_allocated(client, 1);
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  expect_allocated(client, 1);
  for (const Event& line : client.logs) {
    EXPECT_NE(line.kind, "grpc") << line.message;
  }
  EXPECT_EQ(client.shutdown(), PROC_OK) << client.last_refusal.error;
}

// Everything that gRPC 1.51 reads, with values that it chokes on or that would change what it does. The tables in
// plugin/DESIGN.md, "The environment", say what becomes of each.
struct Variable {
  const char* name;
  std::vector<const char*> values;
};
const std::vector<Variable>& grpc_variables() {
  static const std::vector<Variable> variables = {
      {"GRPC_POLL_STRATEGY", {"", "none", "epollex", "epollsig", "poll-cv", "poll", "bogus"}},
      {"GRPC_VERBOSITY", {"debug", "none", "bogus"}},
      {"GRPC_STACKTRACE_MINLOGLEVEL", {"debug", "bogus"}},
      {"GRPC_TRACE", {"all", "bogus", "list_tracers"}},
      {"GRPC_EXPERIMENTS", {"bogus", "event_engine_client,tcp_frame_size_tuning"}},
      {"GRPC_ENABLE_FORK_SUPPORT", {"1", "bogus"}},
      {"GRPC_ABORT_ON_LEAKS", {"1", "bogus"}},
      {"GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", {"-1", "0", "bogus", "99999999999"}},
      {"GRPC_DNS_RESOLVER", {"", "bogus", "native"}},
      {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", {"/nowhere"}},
      {"GRPC_SYSTEM_SSL_ROOTS_DIR", {"/nowhere"}},
      {"GRPC_NOT_USE_SYSTEM_SSL_ROOTS", {"1", "bogus"}},
      {"GRPC_SSL_CIPHER_SUITES", {"", "bogus", "NULL-SHA256"}},
      {"grpc_proxy", {"", "http://127.0.0.1:1", "bogus://"}},
      {"http_proxy", {"http://127.0.0.1:1", "bogus://"}},
      {"https_proxy", {"http://127.0.0.1:1", "bogus://"}},
      {"no_grpc_proxy", {"127.0.0.1"}},
      {"no_proxy", {"127.0.0.1"}},
      {"GRPC_XDS_BOOTSTRAP", {"/nowhere"}},
      {"GRPC_XDS_BOOTSTRAP_CONFIG", {"{"}},
      {"GRPC_EXPERIMENTAL_XDS_FEDERATION", {"1", "bogus"}},
      {"GRPC_EXPERIMENTAL_XDS_CUSTOM_LB_CONFIG", {"1", "bogus"}},
      {"GRPC_EXPERIMENTAL_XDS_RLS_LB", {"1", "bogus"}},
      {"GRPC_TEST_ONLY_GOOGLE_C2P_RESOLVER_TRAFFIC_DIRECTOR_URI", {"bogus"}},
      {"GOOGLE_APPLICATION_CREDENTIALS", {"/nowhere"}},
      {"AWS_ACCESS_KEY_ID", {"bogus"}},
      {"AWS_DEFAULT_REGION", {"bogus"}},
      {"STS_CREDENTIALS", {"/nowhere"}},
      {"HOME", {"/nowhere"}},
      {"CARES_HOSTS", {"/nowhere"}},
      {"SSL_CERT_FILE", {"/nowhere"}},
      {"SSL_CERT_DIR", {"/nowhere"}},
      {"OPENSSL_ia32cap", {"~0x200000200000000"}},
  };
  return variables;
}

TEST(Hostile, NothingInTheEnvironmentChangesWhatTheHiddenGrpcDoes) {
  const Certificates certificates;
  certificates.make_ca("ca");
  certificates.make_certificate("ca", "server", "processor.test", 10);
  const ProcessorProgram plain({"--pull-interval-ms", "10", "--servers", "10000"});
  const ProcessorProgram encrypted({"--pull-interval-ms", "10", "--servers", "10000", "--tls-certificate",
                                    certificates.path("server.pem"), "--tls-key", certificates.path("server.key")});
  const std::string own_ca = certificates.path("ca.pem");
  const auto allocates = [&](const std::vector<std::string>& settings, const std::string& ca) {
    std::vector<std::string> command = {"env",
                                        "-u",
                                        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
                                        "-u",
                                        "SSL_CERT_FILE",
                                        "-u",
                                        "SSL_CERT_DIR",
                                        "AGONES_TEST_PROCESSOR=" + (ca == "plaintext" ? plain : encrypted).address(),
                                        "AGONES_TEST_CA=" + ca};
    command.insert(command.end(), settings.begin(), settings.end());
    command.insert(command.end(), {fs::read_symlink("/proc/self/exe").string(), "--gtest_also_run_disabled_tests",
                                   "--gtest_filter=*AllocateAndFork"});
    const ProgramResult result = run_program(command);
    EXPECT_EQ(result.exit_code, 0) << testing::PrintToString(settings) << "\n" << result.output;
    EXPECT_EQ(result.errors, "") << testing::PrintToString(settings);
  };
  std::vector<std::string> all;
  for (const Variable& variable : grpc_variables()) {
    for (const char* value : variable.values) {
      const std::string setting = std::string(variable.name) + "=" + value;
      const bool is_of_tls = setting.find("SSL") != std::string::npos;
      allocates({setting}, is_of_tls ? own_ca : "plaintext");
      all.push_back(setting);
    }
  }
  allocates(all, own_ca);
  allocates(all, "plaintext");
  // What the plugin itself reads.
  allocates({"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + own_ca}, "system");
  allocates({"SSL_CERT_FILE=" + own_ca}, "system");
  allocates({"SSL_CERT_DIR=" + own_ca.substr(0, own_ca.rfind('/'))}, "system");
}

TEST(Hostile, StandardStreamsClosed) {
  const ProcessorProgram processor({"--pull-interval-ms", "10"});
  const ProgramResult result = run_program(
      {"sh", "-c", std::string(AGONES_C_HOST) + " " + plugin_path() + " " + processor.address() + " 20 <&- >&- 2>&-"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(processor.address().empty(), false);
}
#endif

TEST(Hostile, SixtyFourThreads) {
  constexpr std::size_t kThreads = 64;
  constexpr std::size_t kEach = 50;
  LocalProcessor processor(quick_options(), fleet_of(kThreads * kEach));
  Client client(processor.address());
  EXPECT_TRUE(client.allocate_from_threads(kThreads, kEach));
  EXPECT_THAT(client.allocated_names(), testing::UnorderedElementsAreArray(names_in(processor)));
}

TEST(Hostile, APollingThreadWithAStackOf64Kilobytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(AGONES_THREAD_SANITIZER)
  constexpr std::size_t kStack = 1 << 20;  // a sanitizer's frames are larger
#else
  constexpr std::size_t kStack = 64 << 10;
#endif
  LocalProcessor processor(quick_options(), fleet_of(100));
  Client client(processor.address());
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread;
  const auto body = [](void* self) -> void* {
    auto& polled = *static_cast<Client*>(self);
    expect_allocated(polled, 100);
    EXPECT_EQ(polled.shutdown(), PROC_OK) << polled.last_refusal.error;
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, &client), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(Hostile, ACallbackThatBlocksHoldsUpNobodyElse) {
  LocalProcessor processor(quick_options(), fleet_of(100));
  Client blocked(processor.address());
  Client other(processor.address());
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<bool> inside{false};
  blocked.on_event = [&](const proc_event& event) {
    if (event.type == PROC_EVENT_RESULT && !inside.exchange(true)) {
      released.wait();
    }
  };
  blocked.allocate();
  std::thread poller([&] { blocked.poll_until_results(2); });
  expect_allocated(other, 10);
  ASSERT_TRUE(other.poll_until([&] { return inside.load(); }));
  // Another thread may still submit to the client whose callback blocks, and is told that it can't poll.
  const proc_request request = json_request();
  EXPECT_EQ(plugin().allocate_request(blocked.handle(), &request, nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(plugin().poll(blocked.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0), PROC_ERR_BUSY);
  ASSERT_TRUE(other.poll_until([&] { return blocked.stats().allocated == 2; }));
  release.set_value();
  poller.join();
}

}  // namespace
}  // namespace agones::test
