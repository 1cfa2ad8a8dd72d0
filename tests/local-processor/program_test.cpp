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
  const std::string no_fleet = folder.file("no.yaml");
  std::ofstream(no_fleet) << "kind: Pod\n";
  struct Case {
    int exit_code;
    std::vector<std::string> options;
    const char* problem;
  };
  const Case cases[] = {
      {1, {"--listen", "nowhere.invalid:1"}, "cannot listen on nowhere.invalid:1: "},
      {1, {"--listen", "192.0.2.1:1"}, "cannot listen on 192.0.2.1:1: Cannot assign requested address"},
      {2, {"--listen", "127.0.0.1:x"}, "--listen: '127.0.0.1:x' is not HOST:PORT or HOST"},
      {1,
       {"--listen", "127.0.0.1:0", "--tls-certificate", no_pem, "--tls-key", no_pem},
       "certificate, key or client CA can't be used"},
      {2, {"--listen", "127.0.0.1:0", "--tls-key", no_pem}, "--tls-certificate and --tls-key need each other"},
      {2, {"--listen", "127.0.0.1:0", "--tls-client-ca", no_pem}, "--tls-client-ca needs --tls-certificate"},
      {1,
       {"--listen", "127.0.0.1:0", "--http", "192.0.2.1:1"},
       "--http: can't listen on 192.0.2.1:1: Cannot assign requested address"},
      {1, {"--listen", "127.0.0.1:0", "--ledger", "/nowhere/at/all"}, "--ledger: cannot write '/nowhere/at/all'"},
      {2, {"--listen", "127.0.0.1:0", "--http", "here"}, "--http: 'here' is not HOST:PORT"},
      {2, {"--listen", "127.0.0.1:0", "--http-port-file", no_pem}, "--http-port-file needs --http"},
      {2, {"--agones", "v2"}, "--agones must be v1.60 or batch"},
      {2, {"--no-such-option"}, "unrecognised option"},
      {2, {"--servers", "many"}, "servers"},
      {2, {"--fleet-file", "/nowhere/at/all"}, "cannot read the fleet file '/nowhere/at/all'"},
      {2, {"--fleet-file", no_fleet}, "no GameServer in it, but 1 Pod"},
      {2, {"--explain", "{}"}, "--explain: namespace: missing"},
      {2, {"--explain", "/nowhere/at/all"}, "--explain: '/nowhere/at/all' is neither JSON nor a file"},
  };
  for (const auto& [exit_code, options, problem] : cases) {
    const ProgramResult result = refused(options);
    EXPECT_EQ(result.exit_code, exit_code) << problem;
    EXPECT_EQ(result.output, "") << problem;
    EXPECT_EQ(result.errors.rfind("local-processor: ", 0), 0U) << result.errors;
    EXPECT_NE(result.errors.find(problem), std::string::npos) << result.errors;
    EXPECT_EQ(result.errors.find('\n'), result.errors.size() - 1) << result.errors;
  }
}

}  // namespace
}  // namespace agones::test
