// SPDX-License-Identifier: Apache-2.0
// The host's proc_config, kept for the plugins to come: with its texts, and with what a newer host has added to it.
#pragma once

#include <agones/processor.h>

#include <agones/library.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

namespace agones::host {

class HostConfig {
 public:
  // `config` has been checked. What an older host does not have gets its default.
  explicit HostConfig(const proc_config& config);
  HostConfig(const HostConfig&) = delete;
  HostConfig& operator=(const HostConfig&) = delete;

  // One that may be changed, for a plugin to be made with. Its texts are this object's.
  class Copy {
   public:
    explicit Copy(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
    proc_config& known() { return *reinterpret_cast<proc_config*>(words_.data()); }

   private:
    std::vector<std::uint64_t> words_;
  };
  Copy copy() const { return Copy(words_); }
  const proc_config& known() const { return *reinterpret_cast<const proc_config*>(words_.data()); }

  // What is not the plugin's.
  std::string plugin_file() const;
  // `sha256` empty: the file may be any.
  LoadOptions load_options(const std::string& sha256) const;
  std::string sha256() const;
  std::chrono::milliseconds ready_timeout() const;
  std::chrono::milliseconds drain_timeout() const;
  // What proc_shutdown may take beyond its timeout, as the header says.
  std::chrono::milliseconds closing_time() const;

 private:
  std::vector<std::uint64_t> words_;
  std::list<std::string> texts_;
};

}  // namespace agones::host
