// SPDX-License-Identifier: Apache-2.0
#include "support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace agones::test {

namespace {

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

}  // namespace

std::size_t thread_count() {
  return entries("/proc/self/task");
}

std::size_t fd_count() {
  return entries("/proc/self/fd");
}

std::size_t mapping_count(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  std::size_t count = 0;
  while (std::getline(maps, line)) {
    count += line.find(part) != std::string::npos ? 1 : 0;
  }
  return count;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

ProgramResult run_program(const std::vector<std::string>& command) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2 failed");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  const TemporaryFolder folder;
  const std::string errors = folder.file("stderr");
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (error != 0) {
    close(pipe_ends[0]);
    throw std::runtime_error("cannot start " + command[0]);
  }
  ProgramResult result;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(pipe_ends[0], buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR)) {
    result.output.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  std::ifstream file(errors);
  result.errors.assign(std::istreambuf_iterator<char>(file), {});
  std::cerr << result.errors;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

ServerProgram::ServerProgram(std::vector<std::string> command) {
  const TemporaryFolder folder;
  const std::string port_file = folder.file("port");
  command.insert(command.end(), {"--port-file", port_file});
  std::vector<char*> arguments;
  for (std::string& word : command) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const int error = posix_spawnp(&child_, arguments[0], &quiet, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (error != 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  while (!std::filesystem::exists(port_file)) {
    if (waitpid(child_, nullptr, WNOHANG) == child_) {
      child_ = 0;
      throw std::runtime_error(command[0] + " ended at once");
    }
    usleep(2000);
  }
  std::ifstream(port_file) >> address_;
}

ServerProgram::~ServerProgram() {
  if (child_ != 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
}

void ServerProgram::signal(int number) const {
  kill(child_, number);
}

void ServerProgram::stop() {
  kill(child_, SIGTERM);
  waitpid(child_, nullptr, 0);
  child_ = 0;
}

namespace {

std::vector<std::string> processor_command(std::vector<std::string> prefix, const std::string& listen,
                                           const std::string& ledger, const std::vector<std::string>& options) {
  // Of a build for another machine.
  std::istringstream emulator(AGONES_EMULATOR);
  for (std::string word; std::getline(emulator, word, '|');) {
    prefix.push_back(word);
  }
  prefix.insert(prefix.end(), {AGONES_LOCAL_PROCESSOR, "--listen", listen, "--ledger", ledger});
  prefix.insert(prefix.end(), options.begin(), options.end());
  return prefix;
}

}  // namespace

ProcessorProgram::ProcessorProgram(const std::vector<std::string>& prefix, const std::string& listen,
                                   const std::vector<std::string>& options)
    : server_(processor_command(prefix, listen, folder_.file("ledger"), options)) {}

void ProcessorProgram::toggle_serving() const {
  server_.signal(SIGUSR1);
}

std::vector<std::string> ProcessorProgram::stop() {
  server_.stop();
  std::vector<std::string> names;
  const auto ledger = nlohmann::json::parse(std::ifstream(folder_.file("ledger")));
  for (const auto& entry : ledger["allocations"]) {
    names.push_back(entry["gameServer"]);
  }
  return names;
}

}  // namespace agones::test
