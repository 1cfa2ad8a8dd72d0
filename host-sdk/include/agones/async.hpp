// SPDX-License-Identifier: Apache-2.0
// Allocations to wait for: std::future, and, from C++20 on, co_await.
//
//   std::future<agones::Result> result = agones::allocate_future(client, agones::Request("default"));
//
//   Task place(agones::Client& client) {
//     agones::Result result = co_await client.allocate(agones::Request("default"));
//   }
//
// Both get a Result, whatever the outcome; what the library refuses at once is thrown as agones::Error. A coroutine goes on
// inside poll() or shutdown(), on the thread that is there: a coroutine that would wait on that thread waits for ever.
#pragma once

#include <agones/client.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)
#include <coroutine>
#define AGONES_HAS_COROUTINES 1
#endif

namespace agones {

inline std::future<Result> allocate_future(Client& client, const Request& request,
                                           std::chrono::milliseconds timeout = {}) {
  // Shared, because std::function copies.
  const auto promise = std::make_shared<std::promise<Result>>();
  std::future<Result> future = promise->get_future();
  const Client::Submitted submitted = client.allocate(
      request, [promise](const Result& result) { promise->set_value(result); }, timeout);
  if (!submitted) {
    promise->set_exception(std::make_exception_ptr(Error(submitted.status, submitted.error)));
  }
  return future;
}

#ifdef AGONES_HAS_COROUTINES

// What Client::allocate(request) gives to co_await; the client must outlive it. It asks when it is awaited, once.
class [[nodiscard]] Allocation {
 public:
  Allocation(Client& client, Request request, std::chrono::milliseconds timeout)
      : client_(client), request_(std::move(request)), timeout_(timeout) {}

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    // Once it is accepted, the result may come on another thread before allocate() has returned, and end this object.
    const Client::Submitted submitted = client_.allocate(
        request_,
        [this, waiting](const Result& result) {
          result_ = result;
          waiting.resume();
        },
        timeout_);
    if (submitted) {
      return true;
    }
    refused_ = Error(submitted.status, submitted.error);
    return false;
  }
  Result await_resume() {
    if (refused_) {
      throw *refused_;
    }
    return std::move(*result_);
  }

 private:
  Client& client_;
  Request request_;
  std::chrono::milliseconds timeout_;
  std::optional<Result> result_;
  std::optional<Error> refused_;
};

inline Allocation Client::allocate(Request request, std::chrono::milliseconds timeout) {
  return {*this, std::move(request), timeout};
}

#endif  // AGONES_HAS_COROUTINES

}  // namespace agones
