// SPDX-License-Identifier: Apache-2.0
// The allocator's queue with the timing of a cluster: requests of all streams are gathered, decided one after the other, and
// done when the API server has written them. One thread of its own.
#pragma once

#include <allocation/processor.pb.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "local-processor/fleet.h"
#include "local-processor/update_schedule.h"

namespace agones::local {

struct QueueTiming {
  std::chrono::milliseconds batch_wait{0};  // after the queue was found empty
  UpdateTiming updates;
};

class AllocationQueue {
 public:
  AllocationQueue(std::shared_ptr<Fleet> fleet, const QueueTiming& timing, std::uint32_t seed);
  // Whoever still waits in allocate() gets what there is.
  ~AllocationQueue();
  AllocationQueue(const AllocationQueue&) = delete;
  AllocationQueue& operator=(const AllocationQueue&) = delete;

  // Waits until all are done, or the queue is closed: false.
  bool allocate(const std::vector<Errand>& errands);
  void close();

  UpdateTiming updates() const;
  void set_updates(const UpdateTiming& timing);

 private:
  using Clock = std::chrono::steady_clock;
  struct Batch {
    std::size_t open = 0;
  };
  struct Job {
    Errand errand;
    Batch* batch;
  };
  struct Written {
    std::shared_ptr<Candidate> server;  // null: none was found after such writes
    Batch* batch;
  };

  void work();
  void decide_all(Clock::time_point now);
  void decide(const Job& job, Clock::time_point now);
  void decide_batch(Clock::time_point now);
  Clock::time_point when_written(int writes, Clock::time_point now);
  void settle(const Written& written);
  void finish_written(Clock::time_point now);
  Clock::time_point next_look(Clock::time_point now) const;

  const std::shared_ptr<Fleet> fleet_;
  const QueueTiming timing_;
  UpdateSchedule schedule_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the thread
  std::condition_variable done_;     // for those who wait
  std::deque<Job> jobs_;
  std::multimap<Clock::time_point, Written> under_way_;
  Clock::time_point found_empty_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace agones::local
