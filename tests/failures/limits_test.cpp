// SPDX-License-Identifier: Apache-2.0
// Processes that may have little: the plugin is refused with words or works, and harms nobody.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"

namespace agones::test {
namespace {

namespace fs = std::filesystem;

class Limits : public testing::Test {
 protected:
  // The exit codes of the host under each limit. Another user must be able to read what it loads.
  std::set<int> exit_codes(const std::string& what, int from, int to, int step) {
    std::set<int> codes;
    for (int number = from; number <= to; number += step) {
      const ProgramResult result = run(what, number);
      EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 1)
          << what << " " << number << ": exit code " << result.exit_code << ", says: " << result.output;
      EXPECT_EQ(result.output, "\n") << what << " " << number;
      codes.insert(result.exit_code);
    }
    return codes;
  }

  // With everything that it says on stderr.
  ProgramResult run(const std::string& what, int number) const {
    return run_program(
        {"sh", "-c",
         host_ + " " + plugin_ + " " + processor_.address() + " " + what + " " + std::to_string(number) + " 2>&1"});
  }

  void SetUp() override {
    fs::copy_file(plugin_path(), plugin_, fs::copy_options::overwrite_existing);
    fs::copy_file(AGONES_LIMITS_HOST, host_, fs::copy_options::overwrite_existing);
    fs::permissions(folder_.path(), fs::perms::others_exec, fs::perm_options::add);
  }

 private:
  const TemporaryFolder folder_;
  const std::string plugin_ = folder_.file("plugin.so");
  const std::string host_ = folder_.file("host");
  const ProcessorProgram processor_{{"--pull-interval-ms", "10"}};
};

TEST_F(Limits, OfDescriptors) {
  EXPECT_EQ(exit_codes("nofile", 4, 32, 1), (std::set<int>{0, 1}));
}

TEST_F(Limits, OfThreads) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root, to become a user without threads";
  }
  EXPECT_EQ(exit_codes("nproc", 1, 16, 1), (std::set<int>{0, 1}));
}

// Seccomp profiles of containers forbid one or both, with EPERM, which is no lack of threads.
TEST_F(Limits, AProfileThatForbidsThreadsIsNamedBesideTheLimit) {
  for (const int number : {SYS_clone3, SYS_clone}) {
    const ProgramResult result = run("forbid", number);
    if (number == SYS_clone && result.exit_code == 0) {
      continue;  // threads are started by clone3
    }
    EXPECT_EQ(result.exit_code, 1) << number << result.output;
    for (const char* word : {"Operation not permitted", "RLIMIT_NPROC", "seccomp", "clone3"}) {
      EXPECT_NE(result.output.find(word), std::string::npos) << word << ": " << result.output;
    }
  }
}

// Between the two it depends on how the allocator divides the rest, and gRPC's own threads can still meet its end.
TEST_F(Limits, OfMemory) {
  EXPECT_EQ(exit_codes("as", 24 << 20, 80 << 20, 4 << 20), std::set<int>{1});
  EXPECT_EQ(exit_codes("as", 1 << 30, 1 << 30, 1), std::set<int>{0});
}

}  // namespace
}  // namespace agones::test
