// SPDX-License-Identifier: Apache-2.0
// Hosts in two languages and two clients of this process on one processor, at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <sstream>

#include "support/plugin.h"
#include "support/process.h"
#include "support/processor.h"

namespace agones::test {
namespace {

std::vector<std::string> first_words(const std::string& lines) {
  std::vector<std::string> words;
  std::istringstream stream(lines);
  std::string line;
  while (std::getline(stream, line)) {
    words.push_back(line.substr(0, line.find(' ')));
  }
  return words;
}

TEST(Hosts, OfTwoLanguagesAndTwoClientsAgreeWithTheProcessor) {
  constexpr std::size_t kEach = 300;
  local::LocalProcessor processor(quick_options(), fleet_of(4 * kEach));
  const std::string count = std::to_string(kEach);
  const auto run = [&](std::vector<std::string> command) {
    command.insert(command.end(), {plugin_path(), processor.address(), count});
    return std::async(std::launch::async, [command] { return run_program(command); });
  };
  auto c_host = run({AGONES_C_HOST});
  auto python_host = run({"python3", AGONES_PYTHON_HOST});
  Client first(processor.address());
  Client second(processor.address());
  for (std::size_t i = 0; i < kEach; ++i) {
    first.allocate();
    second.allocate();
  }
  ASSERT_TRUE(first.poll_until_results(kEach));
  ASSERT_TRUE(second.poll_until_results(kEach));

  const ProgramResult c_result = c_host.get();
  const ProgramResult python_result = python_host.get();
  EXPECT_EQ(c_result.exit_code, 0);
  EXPECT_EQ(python_result.exit_code, 0);
  std::vector<std::string> names = first.allocated_names();
  for (const auto& more : {second.allocated_names(), first_words(c_result.output), first_words(python_result.output)}) {
    EXPECT_EQ(more.size(), kEach);
    names.insert(names.end(), more.begin(), more.end());
  }
  EXPECT_EQ(processor.counts().allocated, 4 * kEach);
  EXPECT_THAT(names, testing::UnorderedElementsAreArray(names_in(processor)));
}

}  // namespace
}  // namespace agones::test
