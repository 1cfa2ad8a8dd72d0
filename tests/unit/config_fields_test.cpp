// SPDX-License-Identifier: Apache-2.0
#include "contract/config_fields.h"

#include <gtest/gtest.h>

namespace agones::plugin {
namespace {

class ConfigFields : public testing::Test {
 protected:
  ~ConfigFields() override { clear_config_texts(config); }

  std::string set(const char* name, const std::string& value) {
    return set_config_field(config, name, value.c_str()).text;
  }

  proc_config config = default_config();
};

TEST_F(ConfigFields, TheDefaultsAreInRange) {
  EXPECT_EQ(check_config(config).text, "");
  EXPECT_EQ(config.max_batch_size, 0U);
  EXPECT_EQ(config.max_streams, 32U);
  EXPECT_EQ(config.max_unpolled_bytes, 256U << 20U);
  EXPECT_EQ(config.notify_fd, -1);
  EXPECT_EQ(config.log_level, PROC_SEVERITY_WARNING);
}

TEST_F(ConfigFields, TakeNumbersWithUnits) {
  EXPECT_EQ(set("max_batch_size", "500"), "");
  EXPECT_EQ(config.max_batch_size, 500U);
  EXPECT_EQ(set("pull_timeout_ms", "1500"), "");
  EXPECT_EQ(config.pull_timeout_ms, 1500U);
  EXPECT_EQ(set("pull_timeout_ms", "2s"), "");
  EXPECT_EQ(config.pull_timeout_ms, 2000U);
  EXPECT_EQ(set("allocation_timeout_ms", "3min"), "");
  EXPECT_EQ(config.allocation_timeout_ms, 180'000U);
  EXPECT_EQ(set("keepalive_time_ms", "24h"), "");
  EXPECT_EQ(config.keepalive_time_ms, 86'400'000U);
  EXPECT_EQ(set("max_message_bytes", "8MiB"), "");
  EXPECT_EQ(config.max_message_bytes, 8U << 20U);
  EXPECT_EQ(set("max_unpolled_bytes", "4294967295B"), "");
  EXPECT_EQ(config.max_unpolled_bytes, UINT32_MAX);
  EXPECT_EQ(set("first_request_id", "4503599627370496"), "");
  EXPECT_EQ(config.first_request_id, std::uint64_t{1} << 52U);
  EXPECT_EQ(set("notify_fd", "-1"), "");
}

TEST_F(ConfigFields, TakeNames) {
  EXPECT_EQ(set("log_level", "Debug"), "");
  EXPECT_EQ(config.log_level, PROC_SEVERITY_DEBUG);
  EXPECT_EQ(set("transport", "plaintext"), "");
  EXPECT_EQ(config.transport, PROC_TRANSPORT_PLAINTEXT);
  EXPECT_EQ(config.unknown_fields, PROC_UNKNOWN_FIELDS_REFUSE);
  EXPECT_EQ(set("unknown_fields", "ignore"), "");
  EXPECT_EQ(config.unknown_fields, PROC_UNKNOWN_FIELDS_IGNORE);
  EXPECT_EQ(set("unknown_fields", "Refuse"), "");
  EXPECT_EQ(config.unknown_fields, PROC_UNKNOWN_FIELDS_REFUSE);
  EXPECT_EQ(set("fail_fast", "true"), "");
  EXPECT_EQ(config.fail_fast, 1U);
  EXPECT_EQ(set("fail_fast", "0"), "");
  EXPECT_EQ(config.fail_fast, 0U);
}

TEST_F(ConfigFields, KeepCopiesOfTexts) {
  std::string value = "processor:9090";
  EXPECT_EQ(set("processor_address", value), "");
  EXPECT_EQ(set("client_id", "lobby"), "");
  value = "overwritten";
  EXPECT_EQ(std::string(config.processor_address.data, config.processor_address.size), "processor:9090");
  EXPECT_EQ(set("processor_address", "another"), "");
  EXPECT_EQ(std::string(config.processor_address.data, config.processor_address.size), "another");
  clear_config_texts(config);
  EXPECT_EQ(config.processor_address.size, 0U);
  EXPECT_EQ(config.client_id.data, nullptr);
  EXPECT_EQ(config.owned_texts, nullptr);
  clear_config_texts(config);
}

TEST_F(ConfigFields, WhatIsWrongIsSaid) {
  EXPECT_EQ(set("max_streams", "0"), "max_streams: 0 is not from 1 to 64");
  EXPECT_EQ(set("fixed_batches", "2"), "fixed_batches: '2' is none of 0, false, 1, true");
  EXPECT_EQ(set("max_batch_size", "65537"), "max_batch_size: 65537 is not from 0 to 65536");
  EXPECT_EQ(set("max_batch_size", "99999999999999999999"),
            "max_batch_size: 99999999999999999999 is not from 0 to 65536");
  EXPECT_EQ(set("max_batch_size", "many"), "max_batch_size: 'many' is not a whole number");
  EXPECT_EQ(set("max_batch_size", ""), "max_batch_size: '' is not a whole number");
  EXPECT_EQ(set("max_batch_size", "5s"), "max_batch_size: '5s' is not a whole number");
  EXPECT_EQ(set("pull_timeout_ms", "5 s"), "pull_timeout_ms: '5 s': the unit is to be ms, s, min or h");
  EXPECT_EQ(set("pull_timeout_ms", "1.5s"), "pull_timeout_ms: '1.5s': the unit is to be ms, s, min or h");
  EXPECT_EQ(set("pull_timeout_ms", "9223372036854775807h"),
            "pull_timeout_ms: 9223372036854775807h is not from 1 to 3600000");
  // 3,616,000 ms, with the bits that don't fit left out.
  EXPECT_EQ(set("allocation_timeout_ms", "-5124095576030430h"),
            "allocation_timeout_ms: -5124095576030430h is not from 1 to 86400000");
  EXPECT_EQ(set("pull_timeout_ms", "-1ms"), "pull_timeout_ms: -1ms is not from 1 to 3600000");
  EXPECT_EQ(set("max_message_bytes", "-17179869183GiB"),
            "max_message_bytes: -17179869183GiB is not from 65536 to 1073741824");
  EXPECT_EQ(set("max_message_bytes", "17179869185GiB"),
            "max_message_bytes: 17179869185GiB is not from 65536 to 1073741824");
  EXPECT_EQ(set("max_message_bytes", "1MB"), "max_message_bytes: '1MB': the unit is to be B, KiB, MiB or GiB");
  EXPECT_EQ(set("log_level", "loud"), "log_level: 'loud' is none of TRACE, DEBUG, INFO, WARNING, ERROR, OFF");
  EXPECT_EQ(set("unknown_fields", "1"), "unknown_fields: '1' is none of REFUSE, IGNORE");
  EXPECT_EQ(set("transport", "tcp"), "transport: 'tcp' is none of TLS, PLAINTEXT");
  EXPECT_EQ(set("fail_fast", "yes"), "fail_fast: 'yes' is none of 0, false, 1, true");
  EXPECT_EQ(set("max_batchsize", "1"), "max_batchsize: no such field; is max_batch_size meant?");
  EXPECT_EQ(set("nothing_like_it", "1"), "nothing_like_it: no such field");
  EXPECT_EQ(set("on_event", "1"), "on_event: can't be set from text, only in the struct");
  EXPECT_EQ(set(std::string(100, 'x').c_str(), "1"), std::string(64, 'x') + ": no such field");
  const proc_config defaults = default_config();
  EXPECT_EQ(config.max_batch_size, defaults.max_batch_size) << "what is refused changes nothing";
  EXPECT_EQ(config.allocation_timeout_ms, defaults.allocation_timeout_ms);
}

TEST_F(ConfigFields, NoFieldBeyondTheHostsStructIsWritten) {
  config.struct_size = offsetof(proc_config, notify_fd);
  EXPECT_EQ(set("notify_fd", "5"), "notify_fd: is not in a config of " + std::to_string(config.struct_size) + " bytes");
  EXPECT_EQ(config.notify_fd, -1);
}

TEST_F(ConfigFields, EveryTextIsChecked) {
  for (proc_text* text : config_texts(config)) {
    *text = {"\xff", 1};
  }
  EXPECT_EQ(check_config(config).text, "client_id: not valid UTF-8");
  config.client_id = {nullptr, 5};
  EXPECT_EQ(check_config(config).text, "client_id: data is NULL, size is 5");
  config.client_id = {"a\0b", 3};
  EXPECT_EQ(check_config(config).text, "client_id: contains NUL");
}

}  // namespace
}  // namespace agones::plugin
