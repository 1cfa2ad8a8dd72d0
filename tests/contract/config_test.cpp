// SPDX-License-Identifier: Apache-2.0
// proc_config without knowing its fields.
#include <gtest/gtest.h>

#include <string>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

// As a binding has it, that does not know the struct.
class Config {
 public:
  Config() {
    EXPECT_EQ(plugin().config_init(PROC_ABI_VERSION, get(), sizeof(bytes_), error, sizeof(error)), PROC_OK) << error;
  }
  ~Config() { plugin().config_clear(get()); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  proc_config* get() { return reinterpret_cast<proc_config*>(bytes_); }
  // Empty, or the error's text.
  std::string set(const std::string& name, const std::string& value) {
    const proc_status status = plugin().config_set(get(), name.c_str(), value.c_str(), error, sizeof(error));
    EXPECT_TRUE(status == PROC_OK || status == PROC_ERR_INVALID_ARGUMENT);
    return status == PROC_OK ? "" : error;
  }

  char error[256] = "";

 private:
  alignas(8) char bytes_[2048] = {};
};

TEST(Config, FieldsAreSetByName) {
  local::LocalProcessor processor(quick_options(), fleet_of(1));
  Config config;
  EXPECT_EQ(config.set("processor_address", processor.address()), "");
  EXPECT_EQ(config.set("transport", "plaintext"), "");
  EXPECT_EQ(config.set("allocation_timeout_ms", "1min"), "");
  proc_client* client = nullptr;
  ASSERT_EQ(plugin().init(config.get(), &client, config.error, sizeof(config.error)), PROC_OK) << config.error;
  plugin().config_clear(config.get());
  ASSERT_EQ(plugin().allocate(client, PROC_FORMAT_JSON, kAnyGameServer.data(), kAnyGameServer.size(), 0, 0, nullptr,
                              nullptr, 0),
            PROC_OK);
  const auto stats = [&] {
    proc_stats filled{};
    filled.struct_size = sizeof(filled);
    plugin().get_stats(client, &filled, nullptr, 0);
    return filled;
  };
  EXPECT_TRUE(wait_until([&] { return stats().allocated == 1; }));
  EXPECT_EQ(plugin().shutdown(client, 1000, nullptr, 0), PROC_OK);
  EXPECT_EQ(plugin().destroy(client, nullptr, 0), PROC_OK);
}

TEST(Config, AMistakeIsNamed) {
  Config config;
  EXPECT_EQ(config.set("max_streams", "0"), "max_streams: 0 is not from 1 to 64");
  EXPECT_EQ(config.set("proccessor_address", "x"), "proccessor_address: no such field; is processor_address meant?");
  char error[64] = "";
  EXPECT_EQ(plugin().config_set(nullptr, "a", "b", error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "config: NULL");
  EXPECT_EQ(plugin().config_set(config.get(), nullptr, "b", error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "name: NULL");
  EXPECT_EQ(plugin().config_set(config.get(), "a", nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "value: NULL");
  plugin().config_clear(nullptr);
}

TEST(Config, AStructThatIsTooShortIsToldBothSizes) {
  proc_config config;
  char error[128] = "";
  EXPECT_EQ(plugin().config_init(PROC_ABI_VERSION, &config, sizeof(config) - 8, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(error, "config.struct_size: " + std::to_string(sizeof(config) - 8) + " is less than " +
                       std::to_string(sizeof(config)));
  EXPECT_EQ(plugin().config_init(7U << 16U, &config, sizeof(config), error, sizeof(error)), PROC_ERR_VERSION);
  EXPECT_STREQ(error, "the host was built for ABI 7.0, this library has 1.0");
}

}  // namespace
}  // namespace agones::test
