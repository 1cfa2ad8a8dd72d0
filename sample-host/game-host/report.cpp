// SPDX-License-Identifier: Apache-2.0
#include "game-host/report.h"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>

namespace game_host {

namespace {

constexpr double kPercentiles[] = {50, 90, 99, 99.9, 100};
constexpr std::size_t kNodesShown = 8;
constexpr std::size_t kServersShown = 3;

std::string name_of(agones::Outcome outcome) {
  switch (outcome) {
    case agones::Outcome::kAllocated:
      return "ALLOCATED";
    case agones::Outcome::kRejected:
      return "REJECTED";
    case agones::Outcome::kTimeout:
      return "TIMEOUT";
    case agones::Outcome::kCancelled:
      return "CANCELLED";
    case agones::Outcome::kDisconnected:
      return "DISCONNECTED";
    case agones::Outcome::kShutdown:
      return "SHUTDOWN";
  }
  return "?";  // of a later plugin
}

std::string name_of(agones::Delivery delivery) {
  switch (delivery) {
    case agones::Delivery::kNotSent:
      return "not sent";
    case agones::Delivery::kUnknown:
      return "sent, unanswered";
    case agones::Delivery::kDone:
      break;
  }
  return "";
}

std::string percentile_name(double part) {
  std::string text = nlohmann::json(part).dump();
  if (text.size() > 2 && text.compare(text.size() - 2, 2, ".0") == 0) {
    text.resize(text.size() - 2);
  }
  return part == 100 ? "max" : "p" + text;
}

double milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

void Report::add(const agones::Result& result) {
  const std::string name = name_of(result.outcome);
  std::string detail = result.message;
  const std::string delivery = name_of(result.delivery);
  if (!delivery.empty()) {
    detail += (detail.empty() ? "" : "; ") + delivery;
  }
  ++totals_[name];
  ++outcomes_[detail.empty() ? name : name + " (" + detail + ")"];
  latencies_.push_back(result.latency);
  if (result.game_server) {
    Node& node = nodes_[result.game_server->node_name];
    ++node.count;
    if (node.first_servers.size() < kServersShown) {
      node.first_servers.push_back(result.game_server->name);
    }
  }
}

void Report::add_poll(std::chrono::nanoseconds time) {
  longest_poll_ = std::max(longest_poll_, time);
}

std::uint64_t Report::allocated() const {
  const auto found = totals_.find("ALLOCATED");
  return found == totals_.end() ? 0 : found->second;
}

std::chrono::microseconds Report::percentile(double part) const {
  if (latencies_.empty()) {
    return {};
  }
  std::sort(latencies_.begin(), latencies_.end());
  const auto index = static_cast<std::size_t>(part / 100 * static_cast<double>(latencies_.size()));
  return latencies_[std::min(index, latencies_.size() - 1)];
}

void Report::print_table(std::ostream& out, const std::string& plugin, std::chrono::duration<double> time) const {
  out << "plugin " << plugin << ", " << ended() << " requests in " << std::fixed << std::setprecision(2) << time.count()
      << " s\n\n";
  out << "  outcome                                       requests\n";
  out << "  ------------------------------------------  ----------\n";
  for (const auto& [name, count] : outcomes_) {
    out << "  " << std::left << std::setw(42) << name << "  " << std::right << std::setw(10) << count << '\n';
  }
  if (orphans_ > 0) {
    out << "  " << std::left << std::setw(42) << "(late answers: orphans)"
        << "  " << std::right << std::setw(10) << orphans_ << '\n';
  }
  out << "\n  latency       ms\n  -------  -------\n";
  for (const double part : kPercentiles) {
    out << "  " << std::left << std::setw(7) << percentile_name(part) << "  " << std::right << std::setw(7)
        << std::setprecision(1) << milliseconds_of(percentile(part)) << '\n';
  }
  print_nodes(out);
  out << "\n  longest time a tick spent in proc_poll: " << std::setprecision(2) << milliseconds_of(longest_poll_)
      << " ms\n";
}

// Where the game servers are, the nodes with most of them first: packed, or spread.
void Report::print_nodes(std::ostream& out) const {
  if (nodes_.empty()) {
    return;
  }
  std::vector<std::pair<std::string, Node>> nodes(nodes_.begin(), nodes_.end());
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  out << "\n  node             allocated\n  ---------------  ---------\n";
  for (std::size_t i = 0; i < std::min(nodes.size(), kNodesShown); ++i) {
    const Node& node = nodes[i].second;
    out << "  " << std::left << std::setw(15) << nodes[i].first << "  " << std::right << std::setw(9) << node.count
        << "  ";
    for (std::size_t server = 0; server < node.first_servers.size(); ++server) {
      out << (server > 0 ? ", " : "") << node.first_servers[server];
    }
    out << (node.count > node.first_servers.size() ? ", ...\n" : "\n");
  }
  if (nodes.size() > kNodesShown) {
    std::uint64_t rest = 0;
    for (std::size_t i = kNodesShown; i < nodes.size(); ++i) {
      rest += nodes[i].second.count;
    }
    out << "  " << std::left << std::setw(15) << ("(" + std::to_string(nodes.size() - kNodesShown) + " more)") << "  "
        << std::right << std::setw(9) << rest << '\n';
  }
  if (nodes_of_fleet_ > nodes.size()) {
    out << "  " << nodes_of_fleet_ - nodes.size() << " of the fleet's " << nodes_of_fleet_ << " nodes have none\n";
  }
}

void Report::print_json(std::ostream& out, const std::string& plugin, std::chrono::duration<double> time) const {
  nlohmann::ordered_json latency;
  for (const double part : kPercentiles) {
    latency[percentile_name(part)] = milliseconds_of(percentile(part));
  }
  nlohmann::ordered_json nodes = nlohmann::ordered_json::object();
  for (const auto& [name, node] : nodes_) {
    nodes[name] = node.count;
  }
  out << nlohmann::ordered_json{{"plugin", plugin},        {"requests", ended()},
                                {"seconds", time.count()}, {"outcomes", totals_},
                                {"orphans", orphans_},     {"nodes", nodes},
                                {"latencyMs", latency},    {"longestPollMs", milliseconds_of(longest_poll_)}}
             .dump(2)
      << '\n';
}

}  // namespace game_host
