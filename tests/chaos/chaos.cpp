// SPDX-License-Identifier: Apache-2.0
// Chaos: two clients under load, three processors with random faults; at the end the books must balance.
//   chaos [--seconds N] [--seed N]
//
// The books: every accepted request ended exactly once; every game server that the processors allocated is
// with the host as ALLOCATED or ORPHAN, once, or its request ended with UNKNOWN.
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

// The processors, of which one leads, and what goes wrong with them.
class Cluster {
 public:
  Cluster(std::size_t servers, Random& random) : fleet_(fleet_of(servers)), random_(random) {
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
  void accepted(std::uint64_t id) { accepted_.insert(id); }

  void check(const Client& client, const std::vector<local::LedgerEntry>& ledger, const std::string& client_id) {
    std::unordered_map<std::uint64_t, const Event*> ended;
    std::unordered_map<std::string, std::uint64_t> with_host;
    for (const Event& result : client.results) {
      expect(accepted_.count(result.request_id) == 1, "a result of a request that was not accepted");
      expect(ended.emplace(result.request_id, &result).second, "a request that ended twice");
      if (result.outcome == PROC_OUTCOME_ALLOCATED) {
        expect(with_host.emplace(result.game_server, result.request_id).second, "a game server handed out twice");
      }
    }
    expect(ended.size() == accepted_.size(), "a request that never ended");
    for (const Event& orphan : client.orphans) {
      const auto request = ended.find(orphan.request_id);
      expect(request != ended.end() && request->second->delivery == PROC_DELIVERY_UNKNOWN,
             "an orphan of a request that did not end with UNKNOWN");
      expect(with_host.emplace(orphan.game_server, orphan.request_id).second,
             "an orphan of a server handed out before");
    }
    std::size_t mine = 0;
    std::size_t destroyed = 0;
    for (const local::LedgerEntry& entry : ledger) {
      if (entry.client_id.rfind(client_id + "-", 0) != 0) {
        continue;
      }
      ++mine;
      const std::uint64_t id = std::stoull(entry.request_id, nullptr, 16);
      const auto found = with_host.find(entry.game_server);
      if (found != with_host.end()) {
        expect(found->second == id, "a game server that came with another request's answer");
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

  std::unordered_set<std::uint64_t> accepted_;
  int faults_ = 0;
};

class Load {
 public:
  Load(const std::string& addresses, std::string client_id, Random& random)
      : client_id_(std::move(client_id)), random_(random), client_(addresses, [this](proc_config& config) {
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
      const std::uint64_t id = client_.allocate(R"({"namespace":"default"})", timeout_ms);
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
  Books books_;
  Client client_;
};

int run(int seconds, std::uint32_t seed) {
  std::printf("chaos: seed %u, %d s\n", seed, seconds);
  Random random(seed);
  Cluster cluster(static_cast<std::size_t>(seconds) * kRequestsPerSecond * 2 + 100'000, random);
  Load first(cluster.addresses(), "first", random);
  Load second(cluster.addresses(), "second", random);
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
  const int faults = first.check(ledger) + second.check(ledger) + (finished ? 0 : 1);
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
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--seconds") {
      seconds = std::stoi(argv[i + 1]);
    } else if (option == "--seed") {
      seed = static_cast<std::uint32_t>(std::stoul(argv[i + 1]));
    }
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return agones::test::run(seconds, seed);
}
