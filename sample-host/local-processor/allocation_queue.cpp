// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation_queue.h"

#include <algorithm>

namespace agones::local {

AllocationQueue::AllocationQueue(std::shared_ptr<Fleet> fleet, const QueueTiming& timing, std::uint32_t seed)
    : fleet_(std::move(fleet)), timing_(timing), schedule_(timing.updates, seed), found_empty_(Clock::now()) {
  thread_ = std::thread([this] { work(); });
}

AllocationQueue::~AllocationQueue() {
  close();
  thread_.join();
}

void AllocationQueue::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  done_.notify_all();
}

UpdateTiming AllocationQueue::updates() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return schedule_.timing();
}

void AllocationQueue::set_updates(const UpdateTiming& timing) {
  const std::lock_guard<std::mutex> lock(mutex_);
  schedule_.change(timing, Clock::now());
}

bool AllocationQueue::allocate(const std::vector<Errand>& errands) {
  Batch batch{errands.size()};
  std::unique_lock<std::mutex> lock(mutex_);
  for (const Errand& errand : errands) {
    jobs_.push_back({errand, &batch});
  }
  changed_.notify_all();
  done_.wait(lock, [&] { return batch.open == 0 || closed_; });
  if (batch.open == 0) {
    return true;
  }
  // What refers to this call must be gone before it ends.
  jobs_.erase(std::remove_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.batch == &batch; }),
              jobs_.end());
  for (auto written = under_way_.begin(); written != under_way_.end();) {
    if (written->second.batch != &batch) {
      ++written;
      continue;
    }
    settle(written->second);
    written = under_way_.erase(written);
  }
  return false;
}

// The queue is looked at again and again, with the wait between; only those looks count that can find something.
AllocationQueue::Clock::time_point AllocationQueue::next_look(Clock::time_point now) const {
  if (timing_.batch_wait.count() == 0 || now < found_empty_) {
    return now;
  }
  const auto looks = (now - found_empty_) / timing_.batch_wait + 1;
  return found_empty_ + looks * timing_.batch_wait;
}

void AllocationQueue::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  constexpr Clock::time_point kNever = Clock::time_point::max();
  Clock::time_point look = kNever;
  while (!closed_) {
    const Clock::time_point now = Clock::now();
    finish_written(now);
    if (!jobs_.empty() && look == kNever) {
      look = next_look(now);
    }
    if (now >= look) {
      look = kNever;
      decide_all(now);
      continue;
    }
    Clock::time_point next = std::min(look, now + std::chrono::hours(1));
    if (!under_way_.empty()) {
      next = std::min(next, under_way_.begin()->first);
    }
    changed_.wait_until(lock, next);
  }
}

void AllocationQueue::decide_all(Clock::time_point now) {
  if (fleet_->decides_batches()) {
    decide_batch(now);
    found_empty_ = Clock::now();
    return;
  }
  fleet_->begin_list();
  for (; !jobs_.empty(); jobs_.pop_front()) {
    decide(jobs_.front(), now);
  }
  found_empty_ = Clock::now();
}

void AllocationQueue::settle(const Written& written) {
  if (written.server != nullptr) {
    fleet_->settle(written.server);
  }
}

void AllocationQueue::decide(const Job& job, Clock::time_point now) {
  Decision decision = fleet_->decide(*job.errand.request, *job.errand.response);
  *job.errand.result = std::move(decision.result);
  under_way_.emplace(when_written(decision.writes, now), Written{decision.allocated, job.batch});
}

AllocationQueue::Clock::time_point AllocationQueue::when_written(int writes, Clock::time_point now) {
  Clock::time_point done = now;
  for (int i = 0; i < writes; ++i) {
    done = schedule_.add(now);
  }
  return done;
}

// All that wait, of all streams. Those that got the same game server are answered when it is written, which is once.
void AllocationQueue::decide_batch(Clock::time_point now) {
  std::vector<Errand> errands;
  for (const Job& job : jobs_) {
    errands.push_back(job.errand);
  }
  const std::vector<Decision> decisions = fleet_->decide_batch(errands);
  std::map<Candidate*, Clock::time_point> written;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const Decision& decision = decisions[i];
    const Clock::time_point own = when_written(decision.writes, now);
    const auto [server, is_first] = written.try_emplace(decision.allocated.get(), own);
    const bool shares = decision.allocated != nullptr && !is_first;
    under_way_.emplace(shares ? std::max(own, server->second) : own,
                       Written{shares ? nullptr : decision.allocated, jobs_[i].batch});
  }
  jobs_.clear();
}

void AllocationQueue::finish_written(Clock::time_point now) {
  bool some_done = false;
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    const Written written = under_way_.begin()->second;
    under_way_.erase(under_way_.begin());
    settle(written);
    some_done = --written.batch->open == 0 || some_done;
  }
  if (some_done) {
    done_.notify_all();
  }
}

}  // namespace agones::local
