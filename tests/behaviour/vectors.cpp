// SPDX-License-Identifier: Apache-2.0
// vectors FOLDER...: plays recorded scenarios of Agones' allocator against this project's, and says which differ.
// Exit codes: 0 none differs, 1 some do, 2 wrong usage or a file that is no recording.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <stdexcept>
#include <vector>

#include "behaviour/recorded.h"
#include "behaviour/scenario.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Tally {
  int passed = 0;
  int skipped = 0;
  int failed = 0;

  void add(const Tally& other) {
    passed += other.passed;
    skipped += other.skipped;
    failed += other.failed;
  }
};

std::vector<fs::path> files_in(const std::string& folder) {
  if (!fs::is_directory(folder)) {
    throw std::runtime_error("'" + folder + "' is no folder");
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".json") {
      files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    throw std::runtime_error("no recordings in '" + folder + "'");
  }
  std::sort(files.begin(), files.end());
  return files;
}

void report(const std::string& name, const std::string& problem, Tally& tally) {
  if (problem.empty()) {
    ++tally.passed;
  } else {
    ++tally.failed;
    std::cout << "FAILED  " << name << "\n        " << problem << "\n";
  }
}

std::string problem_of(const json& scenario) {
  try {
    return agones::test::play(scenario);
  } catch (const std::exception& error) {
    return error.what();
  }
}

Tally play_file(const json& file) {
  const std::string format = file.value("format", "");
  Tally tally;
  if (format == "agones-processor-status-mapping/1") {
    report("status-mapping", agones::test::check_status_mapping(file), tally);
    return tally;
  }
  if (format != "agones-allocation-vectors/1") {
    throw std::runtime_error("unknown format '" + format + "'");
  }
  for (const json& scenario : file.at("scenarios")) {
    const std::string name = scenario.value("name", "?");
    const std::string missing = agones::test::missing_for(scenario);
    if (!missing.empty()) {
      ++tally.skipped;
      std::cout << "skipped " << name << ": needs " << missing << "\n";
    } else {
      report(name, problem_of(scenario), tally);
    }
  }
  return tally;
}

void print(const std::string& name, const Tally& tally) {
  std::cout << "  " << std::left << std::setw(36) << name << std::right << std::setw(7) << tally.passed << std::setw(9)
            << tally.skipped << std::setw(8) << tally.failed << "\n";
}

int run(int argc, char** argv) {
  std::map<std::string, Tally> groups;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& path : files_in(argv[i])) {
      const std::string group = path.parent_path().filename().string() + "/" + path.stem().string();
      try {
        groups[group].add(play_file(agones::test::read_json(path)));
      } catch (const json::exception& error) {
        throw std::runtime_error(path.string() + ": " + error.what());
      }
    }
  }
  std::cout << "  group                                passed  skipped  failed\n";
  Tally all;
  for (const auto& [name, tally] : groups) {
    print(name, tally);
    all.add(tally);
  }
  print("all", all);
  return all.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: vectors FOLDER...\n";
    return 2;
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "vectors: " << error.what() << "\n";
    return 2;
  }
}
