// SPDX-License-Identifier: Apache-2.0
// What can go wrong with a processor, on demand: for testing hosts.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace agones::local {

// Rates are probabilities from 0 to 1, drawn once for every batch (error_rate: for every request; of writes: for every write).
struct Faults {
  std::chrono::milliseconds work{0};     // before a batch's game servers are allocated: a slow or paused API server
  std::chrono::milliseconds latency{0};  // before a batch is answered; new ones of both count for those that wait, too
  double error_rate = 0;                 // requests that fail with error_code, nothing allocated
  int error_code = 13;                   // INTERNAL
  double write_conflict_rate = 0;        // writes of a game server that the API server refuses, for another try
  double write_error_rate = 0;           // writes that fail
  double drop_before_answer = 0;         // allocate, then end the stream without answering
  double drop_after_answer = 0;          // answer, then end the stream
  double answer_twice = 0;
  double answer_unknown_ids = 0;     // beside the answer, one to an id that nobody asked for
  double answer_garbage = 0;         // allocate, then send bytes that are no message
  std::uint32_t oversize_bytes = 0;  // each answer is padded to at least so many bytes
  bool stop_pulling = false;
  bool stop_reading = false;
};

// Draws from the rates; repeatable for a seed.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : random_(seed) {}
  bool roll(double rate) { return rate > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < rate; }

 private:
  std::mt19937 random_;
};

}  // namespace agones::local
