// SPDX-License-Identifier: Apache-2.0
// Turns the endpoints into addresses: getaddrinfo on a thread that lives as long as one look-up. A look-up can't be broken
// off: a resolver that goes leaves it to end by itself, and the library is BUSY until then.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/address.h"
#include "stream/endpoint.h"

namespace agones::plugin {

class Resolver {
 public:
  // `done` is called on the look-up's thread when a result is there to be taken. It must not wait for this resolver.
  Resolver(std::vector<Endpoint> endpoints, std::function<void()> done);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Nothing if a look-up is under way. IP addresses are there to be taken at once; so is the failure to start a thread.
  void start();
  bool running() const { return under_way_ != nullptr; }
  std::optional<Resolution> take();
  // Nobody is called for what is under way, once this has returned.
  void abandon() noexcept;

 private:
  class LookUp;

  const std::vector<Endpoint> endpoints_;
  const std::function<void()> done_;
  std::optional<Resolution> result_;  // what needed no look-up
  std::shared_ptr<LookUp> under_way_;
};

}  // namespace agones::plugin
