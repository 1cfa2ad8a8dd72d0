// SPDX-License-Identifier: Apache-2.0
// Names that do not resolve, or not in time. This program's own getaddrinfo stands before the system's.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "support/locales.h"
#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

class Names {
 public:
  void set(const std::string& name, const std::string& address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    addresses_[name] = address;
    changed_.notify_all();
  }
  // The address; empty for a name that does not resolve; waits while it is "wait".
  std::string look_up(const std::string& name) {
    std::unique_lock<std::mutex> lock(mutex_);
    asked_.insert(name);
    changed_.wait(lock, [&] { return addresses_[name] != "wait"; });
    return addresses_[name];
  }
  bool asked_for(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_.count(name) != 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> addresses_;
  std::set<std::string> asked_;
};

Names& names() {
  static Names known;
  return known;
}

std::string port_of(const local::LocalProcessor& processor) {
  const std::string address = processor.address();
  return address.substr(address.rfind(':'));
}

TEST(Names, AnAddressThatIsGoneIsDroppedThoughAnotherNameNeverResolves) {
  auto options = quick_options();
  options.address = "127.0.0.2:0";
  auto processor = std::make_unique<local::LocalProcessor>(options, fleet_of(1));
  names().set("a.test", "127.0.0.3");  // nobody is there
  names().set("b.test", "");
  Client client("a.test" + port_of(*processor) + ",b.test" + port_of(*processor),
                [](proc_config& config) { config.reconnect_max_ms = 100; });
  std::string reason;
  ASSERT_TRUE(client.poll_until([&] {
    return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF && reason.find("127.0.0.3") != std::string::npos;
  })) << reason;
  names().set("a.test", "127.0.0.2");
  ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
  processor.reset();
  ASSERT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; }));
  EXPECT_EQ(reason.find("127.0.0.3"), std::string::npos) << reason;
  EXPECT_NE(reason.find("127.0.0.2"), std::string::npos) << reason;
}

TEST(Names, WhatIsWrongIsSaidInEnglish) {
  const OtherLocale german("de_DE");
  names().set("nobody.test", "");
  Client client("nobody.test:1");
  std::string reason;
  ASSERT_TRUE(client.poll_until([&] { return client.connection(&reason) == PROC_CONNECTION_BACKING_OFF; }));
  EXPECT_EQ(reason, "cannot resolve 'nobody.test': the name is not known (EAI_NONAME)");
}

TEST(Names, AShutdownDoesNotWaitForTheResolverAndTheLibraryIsBusyUntilItHasComeBack) {
  names().set("slow.test", "wait");
  {
    Client client("slow.test:1");
    ASSERT_TRUE(wait_until([] { return names().asked_for("slow.test"); }));
    EXPECT_EQ(client.shutdown(0), PROC_OK) << client.last_refusal.error;
  }
  char reason[256] = "";
  EXPECT_EQ(plugin().get_unload_state(reason, sizeof(reason)), PROC_UNLOAD_BUSY);
  EXPECT_NE(std::string(reason).find("the system's resolver has not come back"), std::string::npos) << reason;
  {
    // The next client is not held up by it, nor is its end.
    local::LocalProcessor processor(quick_options(), fleet_of(1));
    Client client(processor.address());
    client.allocate();
    EXPECT_TRUE(client.poll_until_results(1));
    EXPECT_EQ(client.shutdown(0), PROC_OK) << client.last_refusal.error;
  }
  EXPECT_EQ(plugin().get_unload_state(reason, sizeof(reason)), PROC_UNLOAD_BUSY);
  names().set("slow.test", "");
  EXPECT_TRUE(wait_until([&] { return plugin().get_unload_state(reason, sizeof(reason)) == PROC_UNLOAD_SAFE; }))
      << reason;
}

}  // namespace
}  // namespace agones::test

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node, const char* service,
                                                                  const addrinfo* hints, addrinfo** list) {
  static const auto next = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = node != nullptr ? node : "";
  const bool ours = name.size() > 5 && name.compare(name.size() - 5, 5, ".test") == 0;
  const bool literal = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (!ours || literal) {
    return next(node, service, hints, list);
  }
  const std::string address = agones::test::names().look_up(name);
  return address.empty() ? EAI_NONAME : next(address.c_str(), service, hints, list);
}
