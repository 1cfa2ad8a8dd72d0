// SPDX-License-Identifier: Apache-2.0
#include "host/background_task.h"

#include <pthread.h>

#include <utility>

#include "platform/signals_blocked.h"

namespace agones::host {

BackgroundTask::BackgroundTask(std::function<void()> tell) : tell_(std::move(tell)) {
  const plugin::SignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
  pthread_setname_np(thread_.native_handle(), "proc-swap");
}

BackgroundTask::~BackgroundTask() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundTask::run(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    task_ = std::move(task);
    busy_ = true;
  }
  changed_.notify_all();
}

bool BackgroundTask::done() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !busy_;
}

bool BackgroundTask::wait_until(std::chrono::steady_clock::time_point until) {
  std::unique_lock<std::mutex> lock(mutex_);
  return done_.wait_until(lock, until, [this] { return !busy_; });
}

void BackgroundTask::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait_for(lock, kTick, [this] { return ended_ || task_ != nullptr; });
    if (task_ != nullptr) {
      const std::function<void()> task = std::exchange(task_, nullptr);
      lock.unlock();
      task();
      lock.lock();
      busy_ = false;
      done_.notify_all();
    } else if (ended_) {
      return;
    }
    lock.unlock();
    tell_();
    lock.lock();
  }
}

}  // namespace agones::host
