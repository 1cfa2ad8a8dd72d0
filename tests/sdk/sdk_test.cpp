// SPDX-License-Identifier: Apache-2.0
// The C++ host SDK: wrapper, loader, Boost.Log sink.
#include <gtest/gtest.h>

#include <agones/boost_log_sink.hpp>
#include <agones/client.hpp>
#include <boost/log/attributes/value_extraction.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/trivial.hpp>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
using std::chrono::milliseconds;

ClientOptions options_for(const LocalProcessor& processor) {
  ClientOptions options;
  options.processor_address = processor.address();
  options.plaintext = true;
  return options;
}

bool poll_until(agones::Client& client, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition() && std::chrono::steady_clock::now() < end) {
    client.poll(0, {}, milliseconds(20));
  }
  return condition();
}

TEST(SdkClient, AllocatesWithTypedResults) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  std::vector<proc_connection_state> states;
  ClientOptions options = options_for(processor);
  options.on_connection = [&](const ConnectionEvent& event) { states.push_back(event.state); };
  agones::Client client(Library::load(plugin_path()), options);
  std::vector<Result> results;
  const auto keep = [&](const Result& result) { results.push_back(result); };
  const auto first = client.allocate_json(R"({"namespace":"default"})", keep);
  ASSERT_TRUE(first) << first.error;
  ASSERT_TRUE(
      client.allocate("\x0a\x07"
                      "default",
                      keep, milliseconds(30'000)));
  const auto refused = client.allocate_json("{}", keep);
  EXPECT_EQ(refused.status, PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(refused.error, "namespace: missing");
  ASSERT_TRUE(poll_until(client, [&] { return results.size() == 2; }));
  EXPECT_EQ(results[0].request_id, first.request_id);
  EXPECT_EQ(results[0].outcome, Outcome::kAllocated);
  ASSERT_TRUE(results[0].game_server.has_value());
  EXPECT_EQ(results[0].game_server->name, "local-1");
  ASSERT_EQ(results[0].game_server->ports.size(), 1U);
  EXPECT_EQ(results[0].game_server->ports[0].port, 7000);
  const auto json = nlohmann::json::parse(client.response_json(*results[0].game_server));
  EXPECT_EQ(json["gameServerName"], "local-1");
  EXPECT_EQ(results[1].outcome, Outcome::kRejected);
  EXPECT_EQ(results[1].code, 8);
  EXPECT_FALSE(results[1].game_server.has_value());
  EXPECT_EQ(states.back(), PROC_CONNECTION_SERVING);
  EXPECT_EQ(client.connection(), PROC_CONNECTION_SERVING);
  EXPECT_EQ(client.stats().accepted, 2U);
}

TEST(SdkRequest, TextBecomesTheRequestsBytes) {
  for (const std::string& file : {plugin_path(), host_library_path()}) {
    const auto library = Library::load(file);
    const std::string request = Request("default").select(Fleet("blue")).bytes();
    EXPECT_EQ(request_from_manifest(*library, R"({"apiVersion":"allocation.agones.dev/v1","kind":"GameServerAllocation",
        "metadata":{"namespace":"default"},"spec":{"selectors":[{"matchLabels":{"agones.dev/fleet":"blue"}}]}})"),
              request);
    const std::string json =
        R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"agones.dev/fleet":"blue"}}]})";
    EXPECT_EQ(request_from_json(*library, json), request);
    EXPECT_EQ(request_from_json(*library, R"({"namespace":"default","fleet":1})", PROC_UNKNOWN_FIELDS_IGNORE),
              Request("default").bytes());
    // Longer than its JSON: it gets "default" for a namespace, and a small manifest is all default.
    EXPECT_EQ(request_from_manifest(*library, "{}"), Request("default").bytes());
    std::string said;
    try {
      request_from_manifest(*library, R"({"spec":{"fleet":"blue"}})");
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_EQ(said, "spec.fleet: unknown field");
  }
}

TEST(SdkClient, ItsEndEndsEveryRequest) {
  int ended = 0;
  {
    ClientOptions options;
    options.processor_address = "127.0.0.1:1";
    options.plaintext = true;
    agones::Client client(Library::load(plugin_path()), options);
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(client.allocate_json(R"({"namespace":"default"})", [&](const Result& result) {
        EXPECT_EQ(result.outcome, Outcome::kShutdown);
        EXPECT_EQ(result.delivery, Delivery::kNotSent);
        ++ended;
      }));
    }
  }
  EXPECT_EQ(ended, 10);
}

TEST(SdkClient, TimesThatFitInNoFieldAreNotCutToShortOnes) {
  LocalProcessor processor(quick_options(), fleet_of(1));
  agones::Client client(Library::load(plugin_path()), options_for(processor));
  const auto submit = [&](milliseconds timeout) {
    return client.allocate_json(R"({"namespace":"default"})", [](const Result&) {}, timeout).error;
  };
  // 2^32 ms and one more; one less than none.
  EXPECT_EQ(submit(milliseconds(4'294'967'297)), "timeout_ms: longer than a day");
  EXPECT_EQ(submit(milliseconds(-1)), "timeout_ms: longer than a day");
  // With nothing under way it waits for nothing.
  client.shutdown(milliseconds::max());
}

TEST(SdkClient, ABadConfigIsAnErrorThatNamesIt) {
  ClientOptions options;
  options.plaintext = true;
  try {
    agones::Client client(Library::load(plugin_path()), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), PROC_ERR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.what(), "processor_address: missing");
  }
}

TEST(SdkLoader, MissingFileSymbolAndWrongVersionAreToldApart) {
  const auto kind_of = [](const std::string& path, std::string& what) {
    try {
      Library::load(path);
    } catch (const LibraryError& error) {
      what = error.what();
      return static_cast<int>(error.kind());
    }
    return -1;
  };
  std::string what;
  EXPECT_EQ(kind_of("/no/such/plugin.so", what), static_cast<int>(LibraryError::Kind::kNoFile));
  EXPECT_EQ(what, "library '/no/such/plugin.so': No such file or directory");
  const std::string folder = AGONES_BROKEN_PLUGINS;
  EXPECT_EQ(kind_of(folder + "/libbroken_missing_symbol.so", what),
            static_cast<int>(LibraryError::Kind::kMissingSymbol));
  EXPECT_NE(what.find("has no function proc_version"), std::string::npos) << what;
  EXPECT_EQ(kind_of(folder + "/libbroken_wrong_version.so", what), static_cast<int>(LibraryError::Kind::kWrongVersion));
  EXPECT_NE(what.find("has ABI version 2.0, this host needs 1.x"), std::string::npos) << what;
}

// Keeps what reaches Boost.Log.
struct Kept {
  boost::log::trivial::severity_level severity;
  std::string channel;
  std::string message;
  std::uint64_t batch_id;
};

class KeepingBackend : public boost::log::sinks::basic_sink_backend<boost::log::sinks::synchronized_feeding> {
 public:
  void consume(const boost::log::record_view& record) {
    using boost::log::extract;
    const auto batch = extract<std::uint64_t>("BatchId", record);
    kept.push_back({*extract<boost::log::trivial::severity_level>("Severity", record),
                    *extract<std::string>("Channel", record), *record[boost::log::expressions::smessage],
                    batch ? *batch : 0});
  }
  std::vector<Kept> kept;
};

TEST(SdkLogSink, RecordsCarrySeverityChannelAndIds) {
  const auto backend = boost::make_shared<KeepingBackend>();
  const auto sink = boost::make_shared<boost::log::sinks::synchronous_sink<KeepingBackend>>(backend);
  boost::log::core::get()->add_sink(sink);
  {
    LocalProcessor processor(quick_options(), fleet_of(1));
    ClientOptions options = options_for(processor);
    options.log_level = PROC_SEVERITY_DEBUG;
    options.on_log = boost_log_sink();
    agones::Client client(Library::load(plugin_path()), options);
    bool ended = false;
    client.allocate_json(R"({"namespace":"default"})", [&](const Result&) { ended = true; });
    ASSERT_TRUE(poll_until(client, [&] { return ended; }));
  }
  boost::log::core::get()->remove_sink(sink);
  bool opened = false;
  bool batch = false;
  for (const Kept& line : backend->kept) {
    EXPECT_EQ(line.channel.rfind("agones.processor.", 0), 0U) << line.channel;
    opened = opened || (line.severity == boost::log::trivial::info && line.message.find("stream opened") == 0);
    batch = batch || (line.severity == boost::log::trivial::debug && line.batch_id == 1);
  }
  EXPECT_TRUE(opened);
  EXPECT_TRUE(batch);
}

}  // namespace
}  // namespace agones::test
