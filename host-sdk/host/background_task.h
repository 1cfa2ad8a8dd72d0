// SPDX-License-Identifier: Apache-2.0
// A thread beside the host's for what takes long in a swap: loading, closing. It lives as long as the swap, and gives the
// host a reason to poll every now and then, so that the swap goes on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace agones::host {

class BackgroundTask {
 public:
  // `tell`: called on the thread after each task, and every kTick. Throws std::system_error.
  explicit BackgroundTask(std::function<void()> tell);
  // Waits for the task that runs.
  ~BackgroundTask();
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  // One at a time. It must not throw.
  void run(std::function<void()> task);
  bool done() const;
  // Whether it is done by then.
  bool wait_until(std::chrono::steady_clock::time_point until);

 private:
  static constexpr std::chrono::milliseconds kTick{5};

  void work();

  const std::function<void()> tell_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable done_;
  std::function<void()> task_;
  bool busy_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace agones::host
