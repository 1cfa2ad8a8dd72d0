// SPDX-License-Identifier: Apache-2.0
#include "check/explain.h"

#include <ostream>
#include <stdexcept>
#include <vector>

#include "local-processor/allocation/explain.h"
#include "local-processor/fleet_file.h"
#include "local-processor/request_text.h"

namespace check {

bool explain(const std::string& game_servers, const std::string& request, std::ostream& out) {
  using namespace agones::local;
  const FleetFile file = read_fleet_files({game_servers});
  allocation::AllocationRequest read;
  try {
    read = request_from_text_or_file(request);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string("--request: ") + error.what());
  }
  for (const std::string& note : notes_on(file)) {
    out << note << '\n';
  }
  std::vector<const GameServer*> servers;
  for (const GameServer& server : file.servers) {
    servers.push_back(&server);
  }
  const Explanation explanation = agones::local::explain(read, servers);
  out << text_of(explanation);
  return explanation.matches() > 0;
}

}  // namespace check
