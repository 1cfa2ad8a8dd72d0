// SPDX-License-Identifier: Apache-2.0
// For json_request_test.py: reads JSON requests, one a line; prints "ok HEXADECIMAL", the request as protobuf, or "no PROBLEM".
#include <cstdio>
#include <iostream>
#include <string>

#include "request/json_request.h"

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const agones::plugin::JsonRequest request(line);
    if (!request.problem().empty()) {
      std::cout << "no " << request.problem() << '\n';
      continue;
    }
    std::cout << "ok ";
    for (const char byte : request.bytes()) {
      char digits[3];
      std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(byte));
      std::cout << digits;
    }
    std::cout << '\n';
  }
  return 0;
}
