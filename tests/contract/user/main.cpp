// SPDX-License-Identifier: Apache-2.0
#include <agones/boost_log_sink.hpp>
#include <agones/client.hpp>
#include <iostream>

int main() {
  std::cout << agones::Library::load(PLUGIN)->version() << '\n';
  return agones::boost_log_sink() ? 0 : 1;
}
