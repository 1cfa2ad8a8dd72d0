// SPDX-License-Identifier: Apache-2.0
#include "check/plugin_check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <agones/client.hpp>
#include <agones/library.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>

#include "loader/elf_file.h"

namespace check {

namespace {

constexpr unsigned kPatienceSeconds = 60;

bool g_good = true;

void say(bool good, const std::string& what) {
  std::cout << (good ? "  good  " : "  BAD   ") << what << '\n';
  g_good = g_good && good;
}

bool starts_with(const std::string& text, const char* start) {
  return text.rfind(start, 0) == 0;
}

// The file alone, without running anything of it.
bool check_file(const std::string& path) {
  std::error_code error;
  std::ifstream file;
  // What is no file may keep its reader waiting, or have no end.
  if (std::filesystem::is_regular_file(path, error)) {
    file.open(path, std::ios::binary);
  }
  if (!file.is_open()) {
    say(false, "cannot be read");
    return false;
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const agones::ElfFile elf = agones::read_elf(bytes);
  if (!elf.problem.empty()) {
    say(false, elf.problem);
    return false;
  }
  say(true, "a shared object for this machine");

  std::string missing;
  for (const char* name : {
#define AGONES_NAME(function) "proc_" #function,
           PROC_EACH_FUNCTION(AGONES_NAME)
#undef AGONES_NAME
       }) {
    bool there = false;
    for (const auto& symbol : elf.exports) {
      there = there || symbol.name == name;
    }
    missing += there ? "" : std::string(missing.empty() ? "" : ", ") + name;
  }
  say(missing.empty(), missing.empty() ? "exports every function of the ABI" : "does not export " + missing);

  std::string strangers;
  bool unique = false;
  for (const auto& symbol : elf.exports) {
    if (!starts_with(symbol.name, "proc_") && !symbol.absolute) {
      strangers += (strangers.empty() ? "" : ", ") + symbol.name;
    }
    unique = unique || symbol.unique;
  }
  say(strangers.empty(), strangers.empty()
                             ? "exports nothing else"
                             : "exports symbols that may collide with the host's: " + strangers.substr(0, 200));
  say(!unique, unique ? "has unique symbols: it could never be unloaded" : "no symbol keeps it from being unloaded");

  std::string unwelcome;
  for (const std::string& library : elf.needed) {
    if (starts_with(library, "libgrpc") || starts_with(library, "libprotobuf.so") || starts_with(library, "libboost")) {
      unwelcome += (unwelcome.empty() ? "" : ", ") + library;
    }
  }
  say(unwelcome.empty(), unwelcome.empty() ? "needs no library that a host may have in another version"
                                           : "needs " + unwelcome + ", which a host may have in another version");
  return true;
}

// In a process of its own, which a broken plugin may end.
void in_child(const std::string& what, const std::function<std::string()>& body) {
  int ends[2];
  if (pipe(ends) != 0) {
    say(false, what + ": pipe failed");
    return;
  }
  const pid_t child = fork();
  if (child == 0) {
    alarm(kPatienceSeconds);
    std::string problem;
    try {
      problem = body();
    } catch (const std::exception& error) {
      problem = error.what();
    }
    [[maybe_unused]] const auto written = write(ends[1], problem.data(), problem.size());
    _exit(0);
  }
  close(ends[1]);
  std::string problem;
  char buffer[512];
  ssize_t got = 0;
  while ((got = read(ends[0], buffer, sizeof(buffer))) > 0) {
    problem.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    problem = WTERMSIG(status) == SIGALRM ? "hangs" : std::string("crashes: ") + strsignal(WTERMSIG(status));
  }
  say(problem.empty(), problem.empty() ? what : what + ": " + problem);
}

std::size_t thread_count() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator()));
}

std::string load(const std::string& path) {
  agones::LoadOptions options;
  options.allow_writable_by_others = true;
  agones::Library::load(path, options);
  return {};
}

std::string init_and_shut_down(const std::string& path) {
  agones::LoadOptions options;
  options.allow_writable_by_others = true;
  const auto plugin = agones::Library::load(path, options);
  const std::size_t threads = thread_count();
  {
    agones::ClientOptions client_options;
    client_options.processor_address = "127.0.0.1:1";
    client_options.plaintext = true;
    client_options.log_level = PROC_SEVERITY_OFF;
    agones::Client client(plugin, client_options);
    client.poll(0, {}, std::chrono::milliseconds(200));
    client.shutdown(std::chrono::milliseconds(0));
  }
  const std::string kept = plugin->unload();
  if (!kept.empty()) {
    return "it stays in the process: " + kept;
  }
  return thread_count() > threads ? "it leaves threads behind" : "";
}

}  // namespace

bool check_plugin(const std::string& named) {
  g_good = true;
  std::cout << named << '\n' << std::flush;
  // Without a slash it would be a name to look for.
  const std::string path = std::filesystem::absolute(named);
  if (check_file(path)) {
    in_child("loads, with this ABI version", [&] { return load(path); });
    if (g_good) {
      in_child("makes a client, shuts it down, unloads", [&] { return init_and_shut_down(path); });
    }
  }
  std::cout << (g_good ? "it can be used\n" : "it can not be used\n");
  return g_good;
}

}  // namespace check
