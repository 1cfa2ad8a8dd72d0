// SPDX-License-Identifier: Apache-2.0
#include "host/apart.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace agones::host {

namespace {

// The host's signals are the host's.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Apart::Apart(std::function<void()> tell) : tell_(std::move(tell)) {
  const AllSignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
  pthread_setname_np(thread_.native_handle(), "proc-swap");
}

Apart::~Apart() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Apart::run(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    task_ = std::move(task);
    busy_ = true;
  }
  changed_.notify_all();
}

bool Apart::done() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !busy_;
}

void Apart::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait_for(lock, kTick, [this] { return ended_ || task_ != nullptr; });
    if (task_ != nullptr) {
      const std::function<void()> task = std::exchange(task_, nullptr);
      lock.unlock();
      task();
      lock.lock();
      busy_ = false;
    } else if (ended_) {
      return;
    }
    lock.unlock();
    tell_();
    lock.lock();
  }
}

}  // namespace agones::host
