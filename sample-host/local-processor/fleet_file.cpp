// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_file.h"

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "local-processor/fleet_formats.h"
#include "manifest/documents.h"

namespace agones::local {

namespace {

constexpr std::size_t kMostServers = 10'000'000;
constexpr char kWanted[] =
    "wanted is what 'kubectl get gameservers -o yaml' (or -o json) prints, or JSON as in fleet.example.json";

// What kubectl prints for people.
void check_is_data(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  const auto begins_with = [&](const std::string& words) {
    return start != std::string::npos && text.compare(start, words.size(), words) == 0;
  };
  if (start == std::string::npos) {
    throw std::runtime_error(std::string("it is empty: ") + kWanted);
  }
  if (begins_with("No resources found")) {
    throw std::runtime_error(std::string("kubectl has found no game servers: ") + kWanted +
                             "; -n NAMESPACE or -A says where to look");
  }
  if (begins_with("NAME ") || begins_with("NAMESPACE ")) {
    throw std::runtime_error(std::string("this is a table for people: ") + kWanted);
  }
}

bool is_own_format(const manifest::Tree& document) {
  return document.is_object() && !document.contains("kind") && !document.contains("apiVersion") &&
         !document.contains("items");
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

void check_room_for(std::size_t replicas, const std::vector<GameServer>& servers, const std::string& where) {
  if (servers.size() + replicas > kMostServers) {
    throw std::runtime_error(where + ": more than " + std::to_string(kMostServers) + " game servers");
  }
}

FleetFile read_fleet(const std::string& text) {
  check_is_data(text);
  FleetFile file;
  std::size_t number = 0;
  for (const manifest::Tree& document : manifest::read_documents(text)) {
    const std::string where = "document " + std::to_string(++number);
    if (is_own_format(document)) {
      add_own_format(document, file);
    } else if (document.is_object()) {
      add_object(document, where, file);
    } else {
      throw std::runtime_error(where + ": expected a mapping; " + kWanted);
    }
  }
  if (file.servers.empty()) {
    throw std::runtime_error(std::string("no GameServer in it; ") + kWanted);
  }
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
