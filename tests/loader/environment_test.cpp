// SPDX-License-Identifier: Apache-2.0
// Processes in which no copy of a plugin can be made in memory: the reason is said, and the file itself can be loaded.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <agones/library.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/plugin.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

namespace fs = std::filesystem;

constexpr int kCantRestrict = 77;

class WithoutACopy : public testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  ProgramResult run(const std::vector<std::string>& settings = {}) {
    std::vector<std::string> command{AGONES_LOADER_HOST, GetParam().first, host_library_path(),
                                     "plugin_file=" AGONES_TELLING_PLUGIN};
    command.insert(command.end(), settings.begin(), settings.end());
    return run_program(command);
  }
};

TEST_P(WithoutACopy, TheCauseIsNamed) {
  const ProgramResult result = run();
  if (result.exit_code == kCantRestrict) {
    GTEST_SKIP() << "such a process can't be had here";
  }
  EXPECT_EQ(result.exit_code, 1) << result.output << result.errors;
  EXPECT_NE(result.output.find(std::string("no copy in memory can be made: ") + GetParam().second), std::string::npos)
      << result.output;
  EXPECT_NE(result.output.find("; with plugin_in_place the file itself is loaded"), std::string::npos) << result.output;
}

TEST_P(WithoutACopy, TheFileItselfIsLoadedIfWished) {
  const ProgramResult result = run({"plugin_in_place=1"});
  if (result.exit_code == kCantRestrict) {
    GTEST_SKIP() << "such a process can't be had here";
  }
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
}

INSTANTIATE_TEST_SUITE_P(
    Because, WithoutACopy,
    testing::Values(std::pair{"no-proc", "/proc is not mounted"},
                    std::pair{"no-memfd",
                              "memfd_create: Operation not permitted; a sandbox (seccomp) or the system forbids it"},
                    std::pair{"file-size=4096", "it has "}),
    [](const auto& cause) {
      const std::string name = cause.param.first;
      return name == "no-proc" ? "ProcIsNotMounted" : name == "no-memfd" ? "SeccompForbidsMemfd" : "FilesMayNotBeLarge";
    });

// The signal is this thread's alone, and is not left to come later.
TEST(FileSize, ThePluginIsRefusedAndNoSignalComes) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string problem;
  try {
    Library::load(AGONES_TELLING_PLUGIN);
  } catch (const LibraryError& error) {
    problem = error.what();
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const std::string size = std::to_string(fs::file_size(AGONES_TELLING_PLUGIN));
  EXPECT_NE(problem.find("it has " + size + " bytes, the process's limit of file sizes (RLIMIT_FSIZE) is 1000"),
            std::string::npos)
      << problem;
  sigset_t set;
  sigpending(&set);
  EXPECT_EQ(sigismember(&set, SIGXFSZ), 0);
  pthread_sigmask(SIG_SETMASK, nullptr, &set);
  EXPECT_EQ(sigismember(&set, SIGXFSZ), 0);
}

TEST(InPlace, AnotherFileUnderTheSameNameIsLoaded) {
  const TemporaryFolder folder;
  const std::string path = folder.file("plugin.so");
  LoadOptions options;
  options.in_place = true;
  fs::copy_file(AGONES_TELLING_PLUGIN, path);
  const auto first = Library::load(path, options);
  EXPECT_EQ(first->version(), "0.0.0");
  EXPECT_GT(mapping_count(folder.path()), 0U);
  // As a deployment does it that plugin_in_place asks for.
  fs::copy_file(AGONES_ECHO_PLUGIN, folder.file("next.so"));
  fs::rename(folder.file("next.so"), path);
  const auto second = Library::load(path, options);
  EXPECT_NE(second->sha256(), first->sha256());
  EXPECT_NE(second->api().init, first->api().init);
  const auto third = Library::load(path, options);
  EXPECT_EQ(third->api().init, second->api().init) << "of one file";
}

}  // namespace
}  // namespace agones::test
