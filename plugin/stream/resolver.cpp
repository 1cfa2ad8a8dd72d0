// SPDX-License-Identifier: Apache-2.0
#include "stream/resolver.h"

#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "platform/library_state.h"
#include "platform/thread.h"
#include "text/english.h"

namespace agones::plugin {

// What a look-up's thread and the resolver share; it outlives either.
class Resolver::LookUp {
 public:
  LookUp(std::vector<Endpoint> endpoints, std::function<void()> done)
      : endpoints_(std::move(endpoints)), done_(std::move(done)) {}

  // On the look-up's thread.
  void run() {
    Resolution resolution;
    try {
      resolution = resolve(endpoints_);
    } catch (const std::bad_alloc&) {
      resolution = Resolution{};
      resolution.unknown = true;
      resolution.problem = "no memory";  // short enough to need none
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (abandoned_) {
      library_state::left_thread_ends();
      return;
    }
    result_ = std::move(resolution);
    done_();
  }

  std::optional<Resolution> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }

  void abandon() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!result_) {
      abandoned_ = true;
      library_state::thread_left();
    }
  }

 private:
  const std::vector<Endpoint> endpoints_;
  const std::function<void()> done_;
  std::mutex mutex_;
  std::optional<Resolution> result_;
  bool abandoned_ = false;
};

Resolver::Resolver(std::vector<Endpoint> endpoints, std::function<void()> done)
    : endpoints_(std::move(endpoints)), done_(std::move(done)) {}

Resolver::~Resolver() {
  abandon();
}

void Resolver::start() {
  if (running()) {
    return;
  }
  // IP addresses alone need no look-up, which could block, and so no thread.
  Resolution literal = resolve(endpoints_, true);
  if (literal.problem.empty()) {
    result_ = std::move(literal);
    return;
  }
  try {
    auto look_up = std::make_shared<LookUp>(endpoints_, done_);
    Thread("proc-resolver", [look_up] { look_up->run(); }).leave();
    under_way_ = std::move(look_up);
  } catch (const std::system_error& error) {
    result_ = Resolution{};
    result_->unknown = true;
    result_->problem = std::string("cannot start a thread to look up names: ") + text_of(error);
  }
}

std::optional<Resolution> Resolver::take() {
  if (result_) {
    return std::exchange(result_, std::nullopt);
  }
  std::optional<Resolution> result;
  if (under_way_ != nullptr) {
    result = under_way_->take();
  }
  if (result) {
    under_way_.reset();
  }
  return result;
}

void Resolver::abandon() noexcept {
  if (under_way_ != nullptr) {
    under_way_->abandon();
    under_way_.reset();
  }
}

}  // namespace agones::plugin
