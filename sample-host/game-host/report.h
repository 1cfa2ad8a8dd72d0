// SPDX-License-Identifier: Apache-2.0
// What a run came to: outcomes, latencies, time spent in the game loop.
#pragma once

#include <agones/client.hpp>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace game_host {

class Report {
 public:
  void add(const agones::Result& result);
  void add_orphan() { ++orphans_; }
  void add_poll(std::chrono::nanoseconds time);
  // If it is known: the nodes of the fleet.
  void set_nodes(std::size_t count) { nodes_of_fleet_ = count; }

  std::uint64_t ended() const { return latencies_.size(); }
  std::uint64_t allocated() const;
  void print_table(std::ostream& out, const std::string& plugin, std::chrono::duration<double> time) const;
  void print_json(std::ostream& out, const std::string& plugin, std::chrono::duration<double> time) const;

 private:
  // What was allocated on a node.
  struct Node {
    std::uint64_t count = 0;
    std::vector<std::string> first_servers;
  };

  std::chrono::microseconds percentile(double part) const;
  void print_nodes(std::ostream& out) const;

  std::map<std::string, std::uint64_t> outcomes_;  // "REJECTED (there is no ...)"
  std::map<std::string, std::uint64_t> totals_;    // "REJECTED"
  mutable std::vector<std::chrono::microseconds> latencies_;
  std::map<std::string, Node> nodes_;
  std::size_t nodes_of_fleet_ = 0;
  std::chrono::nanoseconds longest_poll_{0};
  std::uint64_t orphans_ = 0;
};

}  // namespace game_host
