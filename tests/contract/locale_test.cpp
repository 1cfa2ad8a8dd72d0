// SPDX-License-Identifier: Apache-2.0
// The process's locale is the host's affair: nothing that the library reads or writes depends on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/locales.h"
#include "support/plugin.h"
#include "support/processor.h"
#include "support/requests.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

bool is_ascii(char c) {
  return c >= ' ' && c <= '~';
}

// Digits, and with a point one more behind it.
bool is_plain_number(const std::string& text) {
  const auto is_digits = [](const std::string& part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
  };
  const std::size_t point = text.find('.');
  return is_digits(text.substr(0, point)) &&
         (point == std::string::npos || (point + 2 == text.size() && is_digits(text.substr(point + 1))));
}

using local::LocalProcessor;

// Each of these with what came of it, as lines.
using Lines = std::vector<std::string>;

Lines settings() {
  Lines lines;
  const std::pair<const char*, const char*> values[] = {
      {"transport", "plaintext"},
      {"transport", "PLAINTEXT"},
      {"transport", "Tls"},
      {"transport", "plainText"},
      {"log_level", "info"},
      {"log_level", "INFO"},
      {"log_level", "warning"},
      {"log_level", "Warning"},
      {"log_level", "trace"},
      {"log_level", "debug"},
      {"log_level", "error"},
      {"log_level", "off"},
      {"log_level", "\u0131nfo"},
      {"fail_fast", "TRUE"},
      {"fail_fast", "False"},
      {"allocation_timeout_ms", "1.5s"},
      {"allocation_timeout_ms", "1500ms"},
      {"allocation_timeout_ms", "2min"},
      {"allocation_timeout_ms", "1,5s"},
      {"max_batch_bytes", "1MiB"},
      {"max_pending_requests", "1000000"},
      {"max_pending_requests", "1,000,000"},
      {"max_pending_requests", "1.000.000"},
      {"INVALID", "1"},
      {"max_pending_requests", "\u0661"},
  };
  for (const auto& [name, value] : values) {
    proc_config config = default_config();
    char error[256] = "";
    const proc_status status = plugin().config_set(&config, name, value, error, sizeof(error));
    lines.push_back(std::string(name) + "=" + value + ": " + std::to_string(status) + " " + error + " " +
                    std::to_string(config.transport) + " " + std::to_string(config.log_level) + " " +
                    std::to_string(config.fail_fast) + " " + std::to_string(config.allocation_timeout_ms) + " " +
                    std::to_string(config.max_batch_bytes) + " " + std::to_string(config.max_pending_requests));
  }
  return lines;
}

Lines json() {
  Lines lines;
  const Client client("127.0.0.1:1");
  const auto submit = [&](const std::string& body) {
    char error[256] = "";
    const proc_status status = plugin().allocate(client.handle(), PROC_FORMAT_JSON, body.data(), body.size(), 0, 0,
                                                 nullptr, error, sizeof(error));
    lines.push_back(body + ": " + std::to_string(status) + " " + error);
  };
  for (const char* body : kGoodJsonRequests) {
    submit(body);
  }
  for (const auto& [body, problem] : kBadJsonRequests) {
    submit(body);
  }
  for (const char* amount :
       {"1234567", "1.0", "1,0", "25e-1", "2500e-2", "1e3", "\"1.000\"", "\"1,000\"", "-0.0", "1\u066b0"}) {
    submit(std::string(R"({"namespace":"n","counters":{"I":{"amount":)") + amount + "}}}");
  }
  const std::string response = full_response().SerializeAsString();
  char text[4096] = "";
  EXPECT_EQ(plugin().response_to_json(response.data(), response.size(), text, sizeof(text), nullptr, nullptr, 0),
            PROC_OK);
  lines.emplace_back(text);
  return lines;
}

Lines metrics() {
  proc_stats stats{};
  stats.struct_size = sizeof(stats);
  stats.accepted = 1'234'567;
  const auto distributions = std::make_unique<proc_metrics>();
  distributions->struct_size = sizeof(proc_metrics);
  distributions->answer_time_us.count = 1'234'567;
  distributions->answer_time_us.sum = 1'234'567'891;
  distributions->answer_time_us.buckets[50] = 1'234'567;
  std::string text(65'536, '\0');
  EXPECT_EQ(plugin().metrics_to_text(&stats, distributions.get(), text.data(), text.size(), nullptr, nullptr, 0),
            PROC_OK);
  Lines lines;
  std::istringstream from(text.c_str());
  for (std::string line; std::getline(from, line);) {
    lines.push_back(line);
  }
  return lines;
}

// What the system says is part of them.
Lines errors() {
  Lines lines;
  const auto refused = [&](const Client::Adjust& adjust, const Api& api = plugin()) {
    proc_config config = default_config(api);
    config.processor_address = text("127.0.0.1:1");
    adjust(config);
    proc_client* client = nullptr;
    char error[512] = "";
    EXPECT_EQ(api.init(&config, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
    lines.emplace_back(error);
  };
  refused([](proc_config& config) { config.tls_ca_file = text("/no/such/file"); });
  refused([](proc_config& config) {
    config.transport = PROC_TRANSPORT_PLAINTEXT;
    config.notify_fd = 1'000'000;
  });
  refused([](proc_config& config) { config.plugin_file = text("/no/such/plugin.so"); }, plugin_through_host_library());
  Client client("127.0.0.1:1");
  std::string reason;
  EXPECT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; })) << reason;
  lines.push_back(reason);
  return lines;
}

class Locale : public testing::TestWithParam<const char*> {
 protected:
  void expect_same(Lines (*made)()) {
    const Lines usual = made();
    const OtherLocale other(GetParam());
    const Lines here = made();
    ASSERT_EQ(here.size(), usual.size());
    for (std::size_t i = 0; i < usual.size(); ++i) {
      EXPECT_EQ(here[i], usual[i]);
    }
  }
};

TEST_P(Locale, SettingsAreReadAlike) {
  expect_same(settings);
}

TEST_P(Locale, JsonIsReadAndWrittenAlike) {
  expect_same(json);
}

TEST_P(Locale, MetricsAreWrittenAlike) {
  expect_same(metrics);
}

TEST_P(Locale, ErrorsAreEnglish) {
#ifdef AGONES_SHARED_GRPC
  GTEST_SKIP() << "in this build gRPC is a library of its own, whose errors are in the process's language";
#endif
  expect_same(errors);
}

TEST_P(Locale, LogLinesHaveNumbersThatProgramsRead) {
  const OtherLocale other(GetParam());
  LocalProcessor processor(quick_options(), fleet_of(100));
  Client client(processor.address(), [](proc_config& config) {
    config.log_level = PROC_SEVERITY_INFO;
    config.log_summary_ms = 10;
  });
  std::size_t requests = 0;
  const auto summary = [&] {
    return std::find_if(client.logs.begin(), client.logs.end(), [](const Event& line) {
      const auto p50 = line.fields.find("answer_p50_ms");
      return p50 != line.fields.end() && p50->second != "0.0";
    });
  };
  // One after another: the line that says it may be among those that the limit of log lines holds back.
  ASSERT_TRUE(client.poll_until([&] {
    if (client.results.size() == requests) {
      client.allocate();
      ++requests;
    }
    return summary() != client.logs.end();
  }));
  const Event line = *summary();
  EXPECT_TRUE(!line.message.empty() && std::all_of(line.message.begin(), line.message.end(), is_ascii)) << line.message;
  for (const auto& [key, value] : line.fields) {
    if (key != "connection") {
      EXPECT_TRUE(is_plain_number(value)) << key << "=" << value;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Locale, testing::ValuesIn(kOtherLocales),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace agones::test
