// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_file.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace agones::local {

namespace {

// kubectl prints JSON, too; its objects tell their kind.
bool is_own_json(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || (text[start] != '{' && text[start] != '[')) {
    return start == std::string::npos;
  }
  const auto root = nlohmann::json::parse(text, nullptr, false);
  return root.is_discarded() || !root.is_object() || !root.contains("kind");
}

void check_names(const std::vector<GameServer>& servers) {
  std::set<std::string> names;
  for (const GameServer& server : servers) {
    if (!names.insert(server.space + "/" + server.name).second) {
      throw std::runtime_error("two game servers are called " + server.space + "/" + server.name);
    }
  }
}

}  // namespace

FleetFile read_fleet(const std::string& text) {
  FleetFile file = is_own_json(text) ? read_fleet_json(text) : read_fleet_yaml(text);
  check_names(file.servers);
  return file;
}

FleetFile read_fleet_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read the fleet file '" + path + "'");
  }
  try {
    return read_fleet({std::istreambuf_iterator<char>(file), {}});
  } catch (const std::exception& error) {
    throw std::runtime_error("fleet file '" + path + "': " + error.what());
  }
}

}  // namespace agones::local
