// SPDX-License-Identifier: Apache-2.0
#include "host/host_config.h"

#include <algorithm>
#include <cstring>

#include "contract/config_fields.h"

namespace agones::host {

HostConfig::HostConfig(const proc_config& config) {
  const std::size_t size = std::max<std::size_t>(config.struct_size, sizeof(proc_config));
  words_.resize((size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  const proc_config defaults = plugin::default_config();
  std::memcpy(words_.data(), &defaults, sizeof(defaults));
  std::memcpy(words_.data(), &config, config.struct_size);
  auto& own = *reinterpret_cast<proc_config*>(words_.data());
  own.struct_size = static_cast<std::uint32_t>(size);
  own.owned_texts = nullptr;
  for (proc_text* text : plugin::config_texts(own)) {
    const std::string& kept = texts_.emplace_back(text->data == nullptr ? "" : std::string(text->data, text->size));
    *text = {kept.data(), kept.size()};
  }
}

std::string HostConfig::plugin_file() const {
  return {known().plugin_file.data, known().plugin_file.size};
}

std::string HostConfig::sha256() const {
  return {known().plugin_sha256.data, known().plugin_sha256.size};
}

LoadOptions HostConfig::load_options(const std::string& sha256) const {
  LoadOptions options;
  options.sha256 = sha256;
  options.plugin_alone = true;
  options.allow_writable_by_group = known().plugin_group_may_write != 0;
  options.in_place = known().plugin_in_place != 0;
  return options;
}

std::chrono::milliseconds HostConfig::ready_timeout() const {
  return std::chrono::milliseconds(known().swap_ready_timeout_ms);
}

std::chrono::milliseconds HostConfig::closing_time() const {
  return std::chrono::milliseconds(known().connect_timeout_ms) + std::chrono::seconds(5);
}

std::chrono::milliseconds HostConfig::drain_timeout() const {
  return std::chrono::milliseconds(known().swap_drain_timeout_ms);
}

}  // namespace agones::host
