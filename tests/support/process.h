// SPDX-License-Identifier: Apache-2.0
// What this process holds: threads, file descriptors, mappings. And other programs, run to their end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace agones::test {

std::size_t thread_count();
std::size_t fd_count();
// Lines of /proc/self/maps that contain the text; all for an empty one.
std::size_t mapping_count(const std::string& part);
std::size_t resident_bytes();

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if one ended it
  std::string output;  // stdout
  std::string errors;  // stderr
};
// Waits for the end.
ProgramResult run_program(const std::vector<std::string>& command);

// A program that listens on a port that the system picked. Killed by the destructor.
class ServerProgram {
 public:
  // Runs the command with "--port-file FILE" added, and waits until FILE tells the address.
  explicit ServerProgram(std::vector<std::string> command);
  ~ServerProgram();
  ServerProgram(const ServerProgram&) = delete;
  ServerProgram& operator=(const ServerProgram&) = delete;

  const std::string& address() const { return address_; }
  void signal(int number) const;
  // Ends it as its user would, and waits for that.
  void stop();

 private:
  std::string address_;
  pid_t child_ = 0;
};

// The local-processor program.
class ProcessorProgram {
 public:
  explicit ProcessorProgram(const std::vector<std::string>& options) : ProcessorProgram({}, "127.0.0.1:0", options) {}
  // `prefix`: a command that runs it, such as "ip netns exec NAME".
  ProcessorProgram(const std::vector<std::string>& prefix, const std::string& listen,
                   const std::vector<std::string>& options);

  const std::string& address() const { return server_.address(); }
  // From serving to standby and back.
  void toggle_serving() const;
  // Ends it; returns the names of the game servers it allocated.
  std::vector<std::string> stop();

 private:
  TemporaryFolder folder_;
  ServerProgram server_;
};

}  // namespace agones::test
