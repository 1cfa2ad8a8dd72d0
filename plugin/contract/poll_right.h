// SPDX-License-Identifier: Apache-2.0
// One thread at a time polls a client; who else tries is told why not.
#pragma once

#include <pthread.h>

#include <atomic>

#include "contract/border.h"

namespace agones::plugin {

class Poller {
 public:
  // Holds the right to poll, or says why it can't be had.
  class Right {
   public:
    explicit Right(Poller& poller) : poller_(poller) {
      // acquire: what belongs to the poller is as the last one left it.
      if (!poller_.busy_.exchange(true)) {
        // Any order: a thread finds its own id here only while it holds the right, as it sees its own stores.
        poller_.thread_.store(pthread_self());
        held_ = true;
      } else if (pthread_equal(poller_.thread_.load(), pthread_self()) != 0) {
        result_ = {PROC_ERR_IN_CALLBACK, "not allowed from a callback"};
      } else {
        result_ = {PROC_ERR_BUSY, "another thread is polling this client"};
      }
    }
    ~Right() {
      if (held_) {
        poller_.thread_.store(pthread_t{});
        // release: see the exchange.
        poller_.busy_.store(false);
      }
    }
    Right(const Right&) = delete;
    Right& operator=(const Right&) = delete;

    bool held() const { return held_; }
    const Result& result() const { return result_; }

   private:
    Poller& poller_;
    Result result_;
    bool held_ = false;
  };

 private:
  std::atomic<pthread_t> thread_{};
  std::atomic<bool> busy_{false};
};

}  // namespace agones::plugin
