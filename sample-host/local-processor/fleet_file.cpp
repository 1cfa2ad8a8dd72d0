// SPDX-License-Identifier: Apache-2.0
#include "local-processor/fleet_file.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>

#include "local-processor/fleet_formats.h"
#include "manifest/documents.h"

namespace agones::local {

namespace {

constexpr std::size_t kMostServers = 10'000'000;
constexpr std::uint32_t kSeed = 1;  // names are the same each time
constexpr char kWanted[] =
    "wanted is what 'kubectl get gameservers -o yaml' (or -o json) prints, manifests of Fleets or GameServers, or JSON "
    "as in "
    "fleet.example.json";

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

// Of a folder's files not all are manifests: values of Helm, lists of Kustomize.
bool is_foreign(const manifest::Tree& document) {
  return !document.is_object() ||
         (is_own_format(document) && !document.contains("gameServers") && !document.contains("policies"));
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

namespace {

constexpr char kNoKind[] = "document without a kind";

// `in_folder`: nobody has named this file.
void add_text(const std::string& text, FleetFile& file, bool in_folder = false) {
  if (in_folder && text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return;
  }
  check_is_data(text);
  std::size_t number = 0;
  for (const manifest::Tree& document : manifest::read_documents(text)) {
    const std::string where = "document " + std::to_string(++number);
    if (in_folder && is_foreign(document)) {
      ++file.passed_over[kNoKind];
    } else if (is_own_format(document)) {
      add_own_format(document, file);
    } else if (document.is_object()) {
      add_object(document, where, file);
    } else {
      throw std::runtime_error(where + ": expected a mapping; " + kWanted);
    }
  }
}

bool is_of(const FleetSpec& fleet, const GameServer& server) {
  const auto label = server.labels.find(kFleetLabel);
  return label != server.labels.end() && label->second == fleet.name && server.space == fleet.of_servers.server.space;
}

// Manifests become game servers.
void make_servers_of(FleetFile& file) {
  ServerMaker maker(kSeed);
  for (const GameServer& server : file.servers) {
    maker.know(server);
  }
  const std::vector<GameServer> printed = file.servers;
  for (const SingleSpec& single : file.singles) {
    file.servers.push_back(maker.make(
        single.of, single.name.empty() ? maker.name_from(single.of.server.space, single.prefix) : single.name));
  }
  for (const FleetSpec& fleet : file.fleets) {
    // Printed together with its game servers, it has them already.
    if (std::any_of(printed.begin(), printed.end(), [&](const GameServer& server) { return is_of(fleet, server); })) {
      continue;
    }
    check_room_for(fleet.replicas, file.servers, "fleet " + fleet.name + ": replicas");
    const std::string prefix = maker.prefix_of_fleet(fleet.name);
    for (std::uint32_t i = 0; i < fleet.replicas; ++i) {
      file.servers.push_back(maker.make(fleet.of_servers, maker.name_from(fleet.of_servers.server.space, prefix)));
    }
  }
}

void finish(FleetFile& file) {
  make_servers_of(file);
  if (file.servers.empty() && file.fleets.empty()) {
    const std::string others = describe_passed_over(file);
    throw std::runtime_error("no GameServer in it" + (others.empty() ? "" : ", but " + others) + "; " + kWanted);
  }
  check_names(file.servers);
  std::set<std::pair<std::string, std::string>> names;
  for (const AutoscalerSpec& spec : file.autoscalers) {
    const auto found = std::find_if(file.fleets.begin(), file.fleets.end(), [&](const FleetSpec& fleet) {
      return fleet.name == spec.fleet && fleet.of_servers.server.space == spec.space;
    });
    if (found == file.fleets.end()) {
      file.warnings.push_back(spec.where + ".spec.fleetName: no fleet is called " + spec.space + "/" + spec.fleet);
    } else {
      found->autoscaler = spec.autoscaler;
    }
  }
  for (const FleetSpec& fleet : file.fleets) {
    if (!names.insert({fleet.of_servers.server.space, fleet.name}).second) {
      throw std::runtime_error("two fleets are called " + fleet.of_servers.server.space + "/" + fleet.name);
    }
  }
}

// Of what can't be parsed.
std::string hint_of_template(const std::string& problem, const std::string& text) {
  return problem.rfind("line ", 0) != 0 || text.find("{{") == std::string::npos
             ? ""
             : "; there is {{ in it: a template of Helm is to be rendered first (helm template)";
}

std::string text_of(const std::string& path) {
  if (path == "-") {
    return {std::istreambuf_iterator<char>(std::cin), {}};
  }
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read the fleet file '" + path + "'");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder's files, or the path itself.
std::vector<std::string> files_of(const std::string& path) {
  if (path == "-" || !std::filesystem::is_directory(path)) {
    return {path};
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string ending = entry.path().extension();
    if (entry.is_regular_file() && (ending == ".yaml" || ending == ".yml" || ending == ".json")) {
      files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    throw std::runtime_error("fleet folder '" + path + "': no file in it ends in .yaml, .yml or .json");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string describe_passed_over(const FleetFile& file) {
  std::string text;
  for (const auto& [kind, count] : file.passed_over) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  }
  return text;
}

std::vector<std::string> notes_on(const FleetFile& file) {
  constexpr std::size_t kMostWarnings = 20;
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < std::min(file.warnings.size(), kMostWarnings); ++i) {
    notes.push_back("warning: " + file.warnings[i]);
  }
  if (file.warnings.size() > kMostWarnings) {
    notes.push_back("warning: and " + std::to_string(file.warnings.size() - kMostWarnings) + " more");
  }
  if (!file.passed_over.empty()) {
    notes.push_back("passed over: " + describe_passed_over(file));
  }
  return notes;
}

FleetFile read_fleet(const std::string& text) {
  FleetFile file;
  add_text(text, file);
  finish(file);
  return file;
}

FleetFile read_fleet_files(const std::vector<std::string>& paths) {
  FleetFile file;
  std::string last;
  for (const std::string& path : paths) {
    for (const std::string& one : files_of(path)) {
      const std::string text = text_of(one);
      const std::size_t warnings = file.warnings.size();
      try {
        add_text(text, file, one != path);
      } catch (const std::exception& error) {
        throw std::runtime_error("fleet file '" + one + "': " + error.what() + hint_of_template(error.what(), text));
      }
      for (std::size_t i = warnings; i < file.warnings.size(); ++i) {
        file.warnings[i] = one + ": " + file.warnings[i];
      }
      last = one;
    }
  }
  try {
    finish(file);
  } catch (const std::exception& error) {
    throw std::runtime_error((paths.size() == 1 && last == paths[0] ? "fleet file '" + last + "': " : "fleet files: ") +
                             error.what());
  }
  return file;
}

}  // namespace agones::local
