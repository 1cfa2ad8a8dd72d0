// SPDX-License-Identifier: Apache-2.0
// The local processor as a program: what its user sees of mistakes.
#include <gtest/gtest.h>

#include <fstream>

#include "support/process.h"

namespace agones::test {
namespace {

// What it says before it ends by itself.
ProgramResult refused(std::vector<std::string> options) {
  options.insert(options.begin(), AGONES_LOCAL_PROCESSOR);
  return run_program(options);
}

TEST(Program, MistakesAreOneLineEach) {
  const TemporaryFolder folder;
  const std::string no_pem = folder.file("no.pem");
  std::ofstream(no_pem) << "no certificate\n";
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--listen", "nowhere.invalid:1"}, "cannot listen on nowhere.invalid:1: "},
      {{"--listen", "192.0.2.1:1"}, "cannot listen on 192.0.2.1:1: Cannot assign requested address"},
      {{"--listen", "127.0.0.1:x"}, "'127.0.0.1:x' is not HOST:PORT or HOST"},
      {{"--listen", "127.0.0.1:0", "--tls-certificate", no_pem, "--tls-key", no_pem},
       "certificate, key or client CA can't be used"},
      {{"--listen", "127.0.0.1:0", "--tls-key", no_pem}, "--tls-certificate and --tls-key need each other"},
      {{"--listen", "127.0.0.1:0", "--tls-client-ca", no_pem}, "--tls-client-ca needs --tls-certificate"},
      {{"--listen", "127.0.0.1:0", "--http", "192.0.2.1:1"},
       "--http: can't listen on 192.0.2.1:1: Cannot assign requested address"},
      {{"--listen", "127.0.0.1:0", "--ledger", "/nowhere/at/all"}, "--ledger: cannot write '/nowhere/at/all'"},
  };
  for (const auto& [options, problem] : cases) {
    const ProgramResult result = refused(options);
    EXPECT_EQ(result.exit_code, 1) << problem;
    EXPECT_EQ(result.output, "") << problem;
    EXPECT_EQ(result.errors.rfind("local-processor: ", 0), 0U) << result.errors;
    EXPECT_NE(result.errors.find(problem), std::string::npos) << result.errors;
    EXPECT_EQ(result.errors.find('\n'), result.errors.size() - 1) << result.errors;
  }
}

}  // namespace
}  // namespace agones::test
