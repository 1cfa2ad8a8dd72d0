// SPDX-License-Identifier: Apache-2.0
// The plugin against a processor, and the local processor against a client, that share no code with them: this folder's
// Go programs, on grpc-go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

using local::LocalProcessor;

// The ledger outlives restarts; the names of each run are its own.
class GoProcessor {
 public:
  GoProcessor() { start("127.0.0.1:0"); }

  const std::string& address() const { return server_->address(); }

  // Killed with whatever it was doing, and started again at the same address.
  void restart() {
    const std::string address = server_->address();
    server_.reset();
    start(address);
  }

  std::set<std::string> names() const {
    std::ifstream ledger(folder_.file("ledger"));
    std::set<std::string> names;
    for (std::string name; std::getline(ledger, name);) {
      EXPECT_TRUE(names.insert(name).second) << name;
    }
    return names;
  }

 private:
  void start(const std::string& listen) {
    server_ = std::make_unique<ServerProgram>(std::vector<std::string>{
        AGONES_GO_PROGRAMS "/go-processor", "-listen", listen, "-ledger", folder_.file("ledger"), "-prefix",
        "run" + std::to_string(++runs_), "-pull-interval", "10ms"});
  }

  TemporaryFolder folder_;
  int runs_ = 0;
  std::unique_ptr<ServerProgram> server_;
};

TEST(Interop, CountsAndNamesAgree) {
  GoProcessor processor;
  Client client(processor.address());
  ASSERT_TRUE(client.allocate_from_threads(8, 1000));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], 8000U);
  EXPECT_THAT(client.allocated_names(), testing::UnorderedElementsAreArray(processor.names()));
}

TEST(Interop, AnAnswerAndARefusalArriveWhole) {
  GoProcessor processor;
  Client client(processor.address());
  client.allocate(R"({"namespace":"default","metadata":{"labels":{"mode":"arena"}}})");
  client.allocate(R"({"namespace":"nothing-here"})");
  ASSERT_TRUE(client.poll_until_results(2));
  std::sort(client.results.begin(), client.results.end(),
            [](const Event& a, const Event& b) { return a.request_id < b.request_id; });
  const Event& answer = client.results[0];
  EXPECT_EQ(answer.outcome, PROC_OUTCOME_ALLOCATED);
  EXPECT_EQ(answer.game_server, "run1-1");
  EXPECT_EQ(answer.address, "192.0.2.10");
  EXPECT_EQ(answer.node_name, "node-1");
  EXPECT_EQ(answer.source, "local");
  EXPECT_THAT(answer.ports, testing::ElementsAre(7000));
  char json[1024] = "";
  ASSERT_EQ(client.api().response_to_json(answer.response.data(), answer.response.size(), json, sizeof(json), nullptr,
                                          nullptr, 0),
            PROC_OK);
  EXPECT_NE(std::string(json).find(R"("labels":{"mode":"arena"})"), std::string::npos) << json;
  EXPECT_EQ(client.results[1].outcome, PROC_OUTCOME_REJECTED);
  EXPECT_EQ(client.results[1].code, 8) << "RESOURCE_EXHAUSTED";
  EXPECT_EQ(client.results[1].message, "there is no available GameServer to allocate");
}

// H2: one message of all of them would be over the 4 MiB that grpc-go takes.
TEST(Interop, ABurstBeyondTheMessageLimitSucceedsWhole) {
  GoProcessor processor;
  Client client(processor.address());
  const std::string annotation(150, 'x');
  const std::string request = R"({"namespace":"default","metadata":{"annotations":{"a":")" + annotation + "\"}}}";
  constexpr std::size_t kCount = 60'000;
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_NE(client.allocate(request), 0U);
  }
  ASSERT_TRUE(client.poll_until_results(kCount));
  EXPECT_EQ(client.outcomes()[PROC_OUTCOME_ALLOCATED], kCount);
  EXPECT_EQ(client.times_connected(), 1U);
}

TEST(Interop, TheBooksBalanceOverTwentyRestartsUnderLoad) {
  GoProcessor processor;
  Client client(processor.address(), [](proc_config& config) {
    config.reconnect_max_ms = 200;
    config.allocation_timeout_ms = 600'000;
  });
  std::size_t accepted = 0;
  const auto keep_some_under_way = [&] {
    while (accepted < client.results.size() + 200) {
      ASSERT_NE(client.allocate(), 0U);
      ++accepted;
    }
  };
  for (int restart = 0; restart < 20; ++restart) {
    const std::uint64_t before = client.stats().allocated;
    ASSERT_TRUE(client.poll_until([&] {
      keep_some_under_way();
      return client.stats().allocated >= before + 300;
    })) << "restart "
        << restart;
    // In the middle of a batch, unless it is answered too quickly to be seen.
    keep_some_under_way();
    const std::uint64_t answered = client.stats().allocated;
    while (client.stats().in_flight == 0 && client.stats().allocated == answered) {
    }
    processor.restart();
  }
  ASSERT_TRUE(client.poll_until_results(accepted));
  EXPECT_EQ(client.results.size(), accepted);

  const std::set<std::string> handed_out = processor.names();
  std::set<std::string> received;
  std::size_t unknown = 0;
  for (const Event& result : client.results) {
    ASSERT_TRUE(result.outcome == PROC_OUTCOME_ALLOCATED || result.delivery == PROC_DELIVERY_UNKNOWN)
        << "outcome " << result.outcome << ": " << result.message;
    if (result.outcome == PROC_OUTCOME_ALLOCATED) {
      EXPECT_TRUE(received.insert(result.game_server).second) << result.game_server << " came twice";
    } else {
      ++unknown;
    }
  }
  for (const Event& orphan : client.orphans) {
    EXPECT_TRUE(received.insert(orphan.game_server).second) << orphan.game_server << " came twice";
  }
  EXPECT_TRUE(std::includes(handed_out.begin(), handed_out.end(), received.begin(), received.end()))
      << "a game server that nobody handed out";
  EXPECT_LE(handed_out.size() - received.size(), unknown) << "a game server was lost, and no request says so";
  std::printf("20 restarts, %zu requests: %zu game servers, %zu received, %zu requests UNKNOWN\n", accepted,
              handed_out.size(), received.size(), unknown);
}

TEST(Interop, AGoClientAndTheLocalProcessorAgree) {
  const LocalProcessor processor(quick_options(), fleet_of(10'000));
  const ProgramResult run = run_program(
      {AGONES_GO_PROGRAMS "/go-client", "-address", processor.address(), "-requests", "5000", "-in-flight", "500"});
  ASSERT_EQ(run.exit_code, 0);
  std::istringstream lines(run.output);
  std::vector<std::string> names;
  for (std::string name; std::getline(lines, name);) {
    names.push_back(name);
  }
  EXPECT_EQ(names.size(), 5000U);
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(names_in(processor)));
}

}  // namespace
}  // namespace agones::test
