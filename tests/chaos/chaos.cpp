// SPDX-License-Identifier: Apache-2.0
// Chaos: two clients under load, three processors with random faults; at the end the books must balance.
//   chaos [--seconds N] [--seed N] [--agones v1.60|batch]
//
// The books: every accepted request ended exactly once; every game server that the processors allocated is
// with the host as ALLOCATED or ORPHAN, once, or its request ended with UNKNOWN. With the batch allocator several requests
// may have one game server; then it has no more of them than rooms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::Faults;
using local::LocalProcessor;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRequestsPerSecond = 1000;
constexpr std::size_t kReplicas = 3;

class Random {
 public:
  using result_type = std::uint32_t;
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT32_MAX; }
  result_type operator()() { return static_cast<result_type>(engine_()); }

 private:
  std::mt19937 engine_;
};

// A room on a game server that has one, else on a fresh one: many requests get one server.
constexpr std::string_view kARoom =
    R"({"namespace":"default","gameServerSelectors":[
        {"gameServerState":"ALLOCATED","counters":{"rooms":{"minAvailable":1}}},{}],
        "counters":{"rooms":{"action":"Increment","amount":1}}})";
constexpr std::int64_t kRooms = 50;

std::shared_ptr<local::Fleet> fleet_with_rooms(std::size_t servers) {
  auto all = local::make_servers(servers);
  for (local::GameServer& server : all) {
    server.counters["rooms"] = {0, kRooms};
  }
  local::Rules rules;
  rules.batches = true;
  return std::make_shared<local::Fleet>(std::move(all), std::move(rules));
}

// The processors, of which one leads, and what goes wrong with them.
class Cluster {
 public:
  Cluster(std::shared_ptr<local::Fleet> fleet, Random& random) : fleet_(std::move(fleet)), random_(random) {
    for (std::size_t i = 0; i < kReplicas; ++i) {
      auto options = quick_options();
      options.serving = i == leader_;
      options.seed = random_();
      replicas_.push_back(std::make_unique<LocalProcessor>(options, fleet_));
      addresses_.push_back(replicas_.back()->address());
    }
  }

  std::string addresses() const {
    std::string all;
    for (const std::string& address : addresses_) {
      all += (all.empty() ? "" : ",") + address;
    }
    return all;
  }

  void do_something() {
    Faults faults;
    const auto rate = [this] { return std::uniform_real_distribution<double>(0.05, 0.5)(random_); };
    switch (random_() % 13) {
      case 0:
        faults.latency = milliseconds(random_() % 300);
        return apply("latency", faults);
      case 1:
        faults.error_rate = rate();
        return apply("errors", faults);
      case 2:
        faults.drop_before_answer = rate();
        return apply("drop before answer", faults);
      case 3:
        faults.drop_after_answer = rate();
        return apply("drop after answer", faults);
      case 4:
        faults.answer_twice = rate();
        return apply("answer twice", faults);
      case 5:
        faults.answer_unknown_ids = rate();
        return apply("unknown ids", faults);
      case 6:
        faults.answer_garbage = rate();
        return apply("garbage", faults);
      case 7:
        faults.oversize_bytes = 5 << 20;
        return apply("oversized answers", faults);
      case 8:
        faults.stop_pulling = true;
        return apply("stop pulling", faults);
      case 9:
        faults.stop_reading = true;
        return apply("stop reading", faults);
      case 10:
        // Longer than the timeout of those who are impatient, batch after batch (H17).
        faults.work = milliseconds(200 + random_() % 400);
        return apply("slow work", faults);
      case 11:
        return move_leader();
      default:
        return restart_leader();
    }
  }

  void heal() {
    for (const auto& replica : replicas_) {
      replica->set_faults({});
    }
  }

  // Every allocation that was made, by processors that are gone as well.
  std::vector<local::LedgerEntry> ledger() const {
    std::vector<local::LedgerEntry> all = old_entries_;
    for (const auto& replica : replicas_) {
      const auto entries = replica->ledger();
      all.insert(all.end(), entries.begin(), entries.end());
    }
    return all;
  }

  const std::map<std::string, int>& done() const { return done_; }

 private:
  void apply(const char* name, const Faults& faults) {
    ++done_[name];
    replicas_[leader_]->set_faults(faults);
  }

  void move_leader() {
    ++done_["leader moves"];
    replicas_[leader_]->set_faults({});
    replicas_[leader_]->set_serving(false);
    leader_ = random_() % kReplicas;
    replicas_[leader_]->set_serving(true);
  }

  void restart_leader() {
    ++done_["kill and restart"];
    replicas_[leader_]->kill();
    const auto entries = replicas_[leader_]->ledger();
    old_entries_.insert(old_entries_.end(), entries.begin(), entries.end());
    auto options = quick_options();
    options.address = addresses_[leader_];
    options.seed = random_();
    replicas_[leader_].reset();
    replicas_[leader_] = std::make_unique<LocalProcessor>(options, fleet_);
  }

  std::shared_ptr<local::Fleet> fleet_;
  Random& random_;
  std::vector<std::unique_ptr<LocalProcessor>> replicas_;
  std::vector<std::string> addresses_;
  std::vector<local::LedgerEntry> old_entries_;
  std::size_t leader_ = 0;
  std::map<std::string, int> done_;
};

class Books {
 public:
  explicit Books(bool shares_servers) : shares_servers_(shares_servers) {}

  void accepted(std::uint64_t id) { accepted_.insert(id); }

  void check(const Client& client, const std::vector<local::LedgerEntry>& ledger, const std::string& client_id) {
    std::unordered_map<std::uint64_t, const Event*> ended;
    // By request: several may have one game server, where the processor decides so.
    std::unordered_map<std::uint64_t, std::string> with_host;
    std::unordered_set<std::string> names;
    const auto take = [&](const Event& event, const char* problem) {
      expect(with_host.emplace(event.request_id, event.game_server).second, "a request that got two game servers");
      expect(names.insert(event.game_server).second || shares_servers_, problem);
    };
    for (const Event& result : client.results) {
      expect(accepted_.count(result.request_id) == 1, "a result of a request that was not accepted");
      expect(ended.emplace(result.request_id, &result).second, "a request that ended twice");
      if (result.outcome == PROC_OUTCOME_ALLOCATED) {
        take(result, "a game server handed out twice");
      }
    }
    expect(ended.size() == accepted_.size(), "a request that never ended");
    for (const Event& orphan : client.orphans) {
      const auto request = ended.find(orphan.request_id);
      expect(request != ended.end() && request->second->delivery == PROC_DELIVERY_UNKNOWN,
             "an orphan of a request that did not end with UNKNOWN");
      take(orphan, "an orphan of a server handed out before");
    }
    std::size_t mine = 0;
    std::size_t destroyed = 0;
    for (const local::LedgerEntry& entry : ledger) {
      if (entry.client_id.rfind(client_id + "-", 0) != 0) {
        continue;
      }
      ++mine;
      const std::uint64_t id = std::stoull(entry.request_id, nullptr, 16);
      const auto found = with_host.find(id);
      if (found != with_host.end()) {
        expect(found->second == entry.game_server, "a game server that came with another request's answer");
        with_host.erase(found);
        continue;
      }
      ++destroyed;
      const auto request = ended.find(id);
      expect(request != ended.end() && request->second->delivery == PROC_DELIVERY_UNKNOWN,
             "a game server that was lost though its request did not end with UNKNOWN");
    }
    expect(with_host.empty(), "a game server that no processor allocated");
    const auto outcomes = client.outcomes();
    const auto of = [&](proc_outcome outcome) { return outcomes.count(outcome) != 0 ? outcomes.at(outcome) : 0; };
    std::printf(
        "%s: %zu accepted = %zu ended (%zu allocated, %zu rejected, %zu timeout, %zu cancelled, %zu disconnected)\n",
        client_id.c_str(), accepted_.size(), ended.size(), of(PROC_OUTCOME_ALLOCATED), of(PROC_OUTCOME_REJECTED),
        of(PROC_OUTCOME_TIMEOUT), of(PROC_OUTCOME_CANCELLED), of(PROC_OUTCOME_DISCONNECTED));
    std::printf("%s: %zu handed out by the processors = %zu allocated + %zu orphans + %zu destroyed on the wire\n",
                client_id.c_str(), mine, of(PROC_OUTCOME_ALLOCATED), client.orphans.size(), destroyed);
  }

  int faults() const { return faults_; }

 private:
  void expect(bool good, const char* problem) {
    if (!good && ++faults_ <= 20) {
      std::printf("THE BOOKS DO NOT BALANCE: %s\n", problem);
    }
  }

  const bool shares_servers_;
  std::unordered_set<std::uint64_t> accepted_;
  int faults_ = 0;
};

class Load {
 public:
  Load(const std::string& addresses, std::string client_id, bool shares_servers, Random& random)
      : client_id_(std::move(client_id)),
        random_(random),
        request_(shares_servers ? kARoom : kAnyGameServer),
        books_(shares_servers),
        client_(addresses, [this](proc_config& config) {
          config.client_id = text(client_id_);
          config.log_level = PROC_SEVERITY_OFF;
          config.pull_timeout_ms = 500;
          config.reconnect_initial_ms = 20;
          config.reconnect_max_ms = 200;
        }) {
    // Answers of 5 MB, by the thousand, are not for keeping.
    client_.on_event = [this](const proc_event&) {
      for (std::vector<Event>* events : {&client_.results, &client_.orphans}) {
        if (!events->empty()) {
          std::string().swap(events->back().response);
        }
      }
    };
  }

  void submit(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      // Some give up soon, most are patient.
      const std::uint32_t timeout_ms = random_() % 10 == 0 ? 1 + random_() % 200 : 5000;
      const std::uint64_t id = client_.allocate(request_, timeout_ms);
      if (id == 0) {
        continue;
      }
      books_.accepted(id);
      if (random_() % 50 == 0) {
        client_.api().cancel(client_.handle(), id - random_() % std::min<std::uint64_t>(id, 100), nullptr, 0);
      }
    }
  }

  void poll() { client_.api().poll(client_.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0); }
  bool finish() {
    return client_.poll_until([&] { return client_.stats().pending == 0; });
  }
  void linger() { client_.poll_for(milliseconds(1000)); }
  int check(const std::vector<local::LedgerEntry>& ledger) {
    books_.check(client_, ledger, client_id_);
    return books_.faults();
  }

 private:
  const std::string client_id_;
  Random& random_;
  const std::string_view request_;
  Books books_;
  Client client_;
};

// No game server has more allocations than it has rooms, and each counts its own.
int check_rooms(local::Fleet& fleet, const std::vector<local::LedgerEntry>& ledger) {
  std::unordered_map<std::string, std::int64_t> given;
  for (const local::LedgerEntry& entry : ledger) {
    ++given[entry.game_server];
  }
  int faults = 0;
  for (const local::Cell& cell : fleet.changes_since(0).cells) {
    const std::int64_t rooms = cell.server.counters.at("rooms").count;
    const auto found = given.find(cell.server.name);
    if (rooms != (found == given.end() ? 0 : found->second) || rooms > kRooms) {
      std::printf("THE BOOKS DO NOT BALANCE: %s has %lld rooms taken\n", cell.server.name.c_str(),
                  static_cast<long long>(rooms));
      ++faults;
    }
  }
  std::printf("%zu allocations on %zu game servers\n", ledger.size(), given.size());
  return faults;
}

// `batches`: against the batch allocator that is to come, with requests that share game servers.
int run(int seconds, std::uint32_t seed, bool batches) {
  std::printf("chaos: seed %u, %d s%s\n", seed, seconds, batches ? ", batch allocator" : "");
  Random random(seed);
  const std::size_t servers = static_cast<std::size_t>(seconds) * kRequestsPerSecond * 2 + 100'000;
  const auto fleet = batches ? fleet_with_rooms(servers) : fleet_of(servers);
  Cluster cluster(fleet, random);
  Load first(cluster.addresses(), "first", batches, random);
  Load second(cluster.addresses(), "second", batches, random);
  const auto start = Clock::now();
  const auto end = start + std::chrono::seconds(seconds);
  auto next_fault = start + milliseconds(500);
  std::size_t submitted = 0;
  while (Clock::now() < end) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    const auto due = static_cast<std::size_t>(elapsed.count() * kRequestsPerSecond);
    // Shared between the two; a machine that stalls is not made to catch up all at once.
    const std::size_t now = std::min<std::size_t>(due - submitted, 200);
    first.submit(now / 2);
    second.submit(now - now / 2);
    submitted = due;
    first.poll();
    second.poll();
    if (Clock::now() >= next_fault) {
      cluster.do_something();
      next_fault = Clock::now() + milliseconds(50 + random() % 400);
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  cluster.heal();
  const bool finished = first.finish() && second.finish();
  first.linger();
  second.linger();
  const auto ledger = cluster.ledger();
  const int faults =
      first.check(ledger) + second.check(ledger) + (finished ? 0 : 1) + (batches ? check_rooms(*fleet, ledger) : 0);
  for (const auto& [name, count] : cluster.done()) {
    std::printf("  %4d x %s\n", count, name.c_str());
  }
  std::printf("chaos: %s (seed %u)\n", faults == 0 ? "the books balance" : "FAILED", seed);
  return faults == 0 ? 0 : 1;
}

}  // namespace
}  // namespace agones::test

int main(int argc, char** argv) {
  int seconds = 60;
  std::uint32_t seed = std::random_device()();
  bool batches = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seconds") {
      seconds = std::stoi(argv[i + 1]);
    } else if (option == "--seed") {
      seed = static_cast<std::uint32_t>(std::stoul(argv[i + 1]));
    } else if (option == "--agones") {
      batches = std::string(argv[i + 1]) == "batch";
    }
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return agones::test::run(seconds, seed, batches);
}
