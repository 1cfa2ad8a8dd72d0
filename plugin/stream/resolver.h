// SPDX-License-Identifier: Apache-2.0
// Turns the endpoints into addresses: getaddrinfo on a thread that lives as long as one look-up.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/thread.h"
#include "stream/endpoint.h"

namespace agones::plugin {

struct Address {
  std::string target;     // for gRPC: "ipv4:10.0.0.1:9090", "ipv6:[::1]:9090"
  std::string host;       // the endpoint's host
  std::string authority;  // "host:port"
  bool operator==(const Address& other) const { return target == other.target && host == other.host; }
};

struct Resolution {
  std::vector<Address> addresses;
  std::string problem;  // of the names that could not be resolved
  // The authorities of these: nothing is known of their addresses.
  std::vector<std::string> unresolved;
  bool unknown = false;  // the look-up could not be made: nothing is known of any address
};

class Resolver {
 public:
  // `done` is called on the look-up's thread when a result is there to be taken.
  Resolver(std::vector<Endpoint> endpoints, std::function<void()> done);

  // Nothing if a look-up is under way. IP addresses are there to be taken at once; so is the failure to start a thread.
  void start();
  bool running() const { return thread_ != nullptr; }
  // What is looked up: "a, b".
  std::string names() const;
  std::optional<Resolution> take();

 private:
  void look_up();

  const std::vector<Endpoint> endpoints_;
  const std::function<void()> done_;
  std::mutex mutex_;
  std::optional<Resolution> result_;
  // Last: joined before what it uses goes.
  std::unique_ptr<Thread> thread_;
};

}  // namespace agones::plugin
