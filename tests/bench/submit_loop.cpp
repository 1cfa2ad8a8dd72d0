// SPDX-License-Identifier: Apache-2.0
// Submits the benchmark's request over and over, for instructions.py to count: submit-loop LIBRARY protobuf|json COUNT
#include <cstdlib>
#include <iostream>
#include <string>

#include "bench/measure.h"
#include "support/plugin.h"

int main(int argc, char** argv) {
  using namespace agones::test;
  if (argc != 4) {
    std::cerr << "usage: submit-loop LIBRARY protobuf|json COUNT\n";
    return 2;
  }
  const RawLibrary library(argv[1]);
  const bool as_json = std::string(argv[2]) == "json";
  const proc_format format = as_json ? PROC_FORMAT_JSON : PROC_FORMAT_PROTOBUF;
  const std::string body = as_json ? request_as_json() : encoded_request();
  // Nobody is there: what is counted is the submitting alone.
  Client client("127.0.0.1:1", {}, library.api());
  for (int left = std::atoi(argv[3]); left > 0; --left) {
    if (library.api().allocate(client.handle(), format, body.data(), body.size(), 0, 0, nullptr, nullptr, 0) !=
        PROC_OK) {
      return 1;
    }
  }
  return client.shutdown(0) == PROC_OK ? 0 : 1;
}
