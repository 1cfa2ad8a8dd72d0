// SPDX-License-Identifier: Apache-2.0
// decisions [SERVERS]: how many allocations a second the local processor decides, by kind of request. A session ends for each that
// begins once half of the game servers are allocated.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "local-processor/fleet.h"

namespace {

using namespace agones::local;
using Clock = std::chrono::steady_clock;

struct Kind {
  const char* name;
  allocation::AllocationRequest request;
  int batch;
};

std::vector<GameServer> servers(std::size_t count) {
  std::vector<GameServer> servers = make_servers(count);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i].labels["agones.dev/fleet"] = i % 2 == 0 ? "blue" : "green";
    servers[i].counters["players"] = {static_cast<std::int64_t>(i % 10), 10};
  }
  return servers;
}

allocation::AllocationRequest plain() {
  allocation::AllocationRequest request;
  request.set_namespace_("default");
  return request;
}

allocation::AllocationRequest of_fleet() {
  allocation::AllocationRequest request = plain();
  (*request.add_gameserverselectors()->mutable_matchlabels())["agones.dev/fleet"] = "green";
  return request;
}

allocation::AllocationRequest distributed() {
  allocation::AllocationRequest request = of_fleet();
  request.set_scheduling(allocation::AllocationRequest::Distributed);
  return request;
}

allocation::AllocationRequest by_room() {
  allocation::AllocationRequest request = of_fleet();
  request.add_priorities()->set_key("players");
  return request;
}

allocation::AllocationRequest with_room() {
  allocation::AllocationRequest request = of_fleet();
  (*request.mutable_gameserverselectors(0)->mutable_counters())["players"].set_minavailable(9);
  return request;
}

double per_second(const Kind& kind, std::size_t count) {
  Fleet fleet(servers(count));
  std::deque<std::string> allocated;
  std::size_t done = 0;
  // Until it runs as it will go on: half of what it can get is in use.
  const std::size_t in_use = count / 40;
  Clock::time_point start = Clock::now();
  const auto limit = std::chrono::seconds(2);
  while (Clock::now() - start < limit) {
    fleet.begin_list();
    for (int i = 0; i < kind.batch; ++i) {
      allocation::AllocationResponse response;
      const AllocationResult result = fleet.allocate(kind.request, response);
      if (result.code != 0) {
        std::fprintf(stderr, "decisions: %s: %s\n", kind.name, result.message.c_str());
        std::exit(1);
      }
      allocated.push_back(response.gameservername());
      ++done;
    }
    while (allocated.size() > in_use) {
      fleet.end_session("default", allocated.front());
      allocated.pop_front();
    }
  }
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  const Kind kinds[] = {
      {"any, batches of 1000", plain(), 1000},
      {"any, one at a time", plain(), 1},
      {"of a fleet, batches of 1000", of_fleet(), 1000},
      {"of a fleet, one at a time", of_fleet(), 1},
      {"distributed", distributed(), 1000},
      {"by a counter's room", by_room(), 1000},
      {"with room in a counter", with_room(), 1000},
  };
  std::printf("%zu game servers          allocations a second, sessions ended included\n", count);
  for (const Kind& kind : kinds) {
    std::printf("  %-32s %10.0f\n", kind.name, per_second(kind, count));
    std::fflush(stdout);
  }
}
