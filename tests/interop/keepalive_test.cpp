// SPDX-License-Identifier: Apache-2.0
// The link against grpc-go's rules about pings, with times that no config allows: a standby sends nothing, so that each
// ping that comes too early is held against the client.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stream/grpc_runtime.h"
#include "stream/link.h"
#include "support/process.h"
#include "support/wait.h"

namespace agones::plugin {
namespace {

using std::chrono::seconds;
using test::wait_until;

// Keeps what the link says of its connection.
class Listener : public LinkHandler, public EngineSink, public GrpcLogSink {
 public:
  TimePoint turn(TimePoint now) override { return now + milliseconds(20); }
  bool finished() override { return finished_.load(); }
  void take_in(TimePoint) override {}
  void connection_changed(const ConnectionStatus& status, TimePoint) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    statuses_.push_back(status);
  }
  bool logs(proc_severity) const noexcept override { return false; }
  void log(LogEntry) noexcept override {}
  void completed(std::unique_ptr<CompletionBlock>) noexcept override {}
  std::uint64_t unpolled_bytes() const noexcept override { return 0; }
  void grpc_log(std::string_view) noexcept override {}

  void finish() { finished_.store(true); }
  std::vector<ConnectionStatus> statuses() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return statuses_;
  }
  std::size_t times_cut() const {
    const auto all = statuses();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const ConnectionStatus& status) {
      return status.reason.find("too_many_pings") != std::string::npos;
    }));
  }

 private:
  std::atomic<bool> finished_{false};
  mutable std::mutex mutex_;
  std::vector<ConnectionStatus> statuses_;
};

// Connected to a standby of grpc-go for as long as it lives.
class Connected {
 public:
  Connected(milliseconds keepalive_time, milliseconds allowed)
      : standby_({AGONES_GO_PROGRAMS "/go-processor", "-standby", "-keepalive-min-time",
                  std::to_string(allowed.count()) + "ms"}),
        link_(config(keepalive_time), engine_, listener_),
        thread_([this] { link_.run(); }) {}
  ~Connected() {
    listener_.finish();
    link_.wake();
    thread_.join();
  }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

  const Listener& listener() const { return listener_; }

 private:
  LinkConfig config(milliseconds keepalive_time) const {
    LinkConfig config;
    config.client_id = "keepalive";
    EXPECT_TRUE(parse_endpoints(standby_.address(), config.endpoints).ok());
    config.transport.plaintext = true;
    config.transport.keepalive_time = keepalive_time;
    config.backoff = {milliseconds(10), milliseconds(20), 0};
    return config;
  }

  test::ServerProgram standby_;
  Listener listener_;
  const GrpcLogRegistration grpc_log_{listener_};
  Counters counters_;
  Metrics metrics_;
  Engine engine_{{}, std::chrono::steady_clock::now(), counters_, metrics_, listener_};
  Link link_;
  std::thread thread_;
};

bool is_standby(const Listener& listener) {
  const auto statuses = listener.statuses();
  return !statuses.empty() && statuses.back().state == PROC_CONNECTION_STANDBY;
}

// A second is too little for a server that allows one and a half: it cuts the connection once, and then has nothing to
// complain of. (gRPC itself sends no more than one ping a second.)
TEST(InteropKeepalive, TooManyPingsAreSentOnce) {
  const Connected connected(milliseconds(1000), milliseconds(1500));
  const Listener& listener = connected.listener();
  ASSERT_TRUE(wait_until([&] { return listener.times_cut() == 1; }));
  ASSERT_TRUE(wait_until([&] { return is_standby(listener); }));
  // Time for four pings; three that came too early would end the connection again.
  std::this_thread::sleep_for(seconds(9));
  EXPECT_EQ(listener.times_cut(), 1U);
  EXPECT_TRUE(is_standby(listener));
  for (const ConnectionStatus& status : listener.statuses()) {
    if (status.state == PROC_CONNECTION_BACKING_OFF) {
      EXPECT_NE(status.reason.find("from now on it is pinged after 2000 ms of silence"), std::string::npos)
          << status.reason;
    }
  }
}

// The room that the defaults leave over the processor's 10 s, for ten minutes: tests/run --long.
TEST(InteropKeepaliveLong, TheSmallestTimeThatTheConfigAllowsIsAllowed) {
  const char* minutes = std::getenv("AGONES_KEEPALIVE_MINUTES");
  if (minutes == nullptr) {
    GTEST_SKIP() << "AGONES_KEEPALIVE_MINUTES=10 makes it last as long";
  }
  const Connected connected(seconds(11), seconds(10));
  ASSERT_TRUE(wait_until([&] { return is_standby(connected.listener()); }));
  std::this_thread::sleep_for(std::chrono::minutes(std::atoi(minutes)));
  EXPECT_EQ(connected.listener().times_cut(), 0U);
  EXPECT_TRUE(is_standby(connected.listener()));
}

}  // namespace
}  // namespace agones::plugin
