// SPDX-License-Identifier: Apache-2.0
// The ways to be told of events: waking, waiting, descriptors, arrays, JSON.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/plugin.h"
#include "support/processor.h"

namespace agones::test {
namespace {

using local::LocalProcessor;
using nlohmann::json;

class Polling : public testing::Test {
 protected:
  // Serving, and everything that there is to tell is told.
  void settle(Client& client) {
    ASSERT_TRUE(client.poll_until([&] { return client.connection() == PROC_CONNECTION_SERVING; }));
    std::uint32_t delivered = 1;
    while (delivered != 0) {
      ASSERT_EQ(client.api().poll(client.handle(), 0, 0, 0, &delivered, nullptr, nullptr, 0), PROC_OK);
    }
  }

  // So many results wait to be polled.
  void wait_for_results(Client& client, std::uint64_t count) {
    ASSERT_TRUE(wait_until([&] { return client.stats().allocated == count; }));
    // A result is counted before it can be polled.
    pollfd fd{client.wakeup_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&fd, 1, kPatienceMs), 1);
  }

  LocalProcessor processor_{quick_options(), fleet_of(1000)};
};

void quiet(proc_config& config) {
  config.log_level = PROC_SEVERITY_OFF;
}

TEST_F(Polling, AWakeEndsThePollThatWaits) {
  Client client(processor_.address(), quiet);
  settle(client);
  std::thread waker([&] {
    const auto status = [&] { return client.api().poll(client.handle(), 0, 0, 0, nullptr, nullptr, nullptr, 0); };
    EXPECT_TRUE(wait_until([&] { return status() == PROC_ERR_BUSY; }));
    EXPECT_EQ(client.api().wake(client.handle(), nullptr, 0), PROC_OK);
  });
  std::uint32_t delivered = 1;
  proc_status status = PROC_ERR_BUSY;
  while (status == PROC_ERR_BUSY) {  // the other thread's attempts
    status = client.api().poll(client.handle(), 0, 0, -1, &delivered, nullptr, nullptr, 0);
  }
  waker.join();
  EXPECT_EQ(status, PROC_OK);
  EXPECT_EQ(delivered, 0U);
}

TEST_F(Polling, AWakeThatComesEarlyEndsTheNextWait) {
  Client client(processor_.address(), quiet);
  settle(client);
  ASSERT_EQ(client.api().wake(client.handle(), nullptr, 0), PROC_OK);
  std::uint32_t delivered = 1;
  EXPECT_EQ(client.api().poll(client.handle(), 0, 0, 0, &delivered, nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(client.api().poll(client.handle(), 0, 0, -1, &delivered, nullptr, nullptr, 0), PROC_OK) << "returns";
  EXPECT_EQ(delivered, 0U);
  // It is used up.
  client.allocate();
  EXPECT_EQ(client.api().poll(client.handle(), 0, 0, -1, &delivered, nullptr, nullptr, 0), PROC_OK);
  EXPECT_EQ(delivered, 1U);
}

TEST_F(Polling, MoreSaysWhetherMoreWaits) {
  Client client(processor_.address(), quiet);
  settle(client);
  for (int i = 0; i < 10; ++i) {
    client.allocate();
  }
  wait_for_results(client, 10);
  std::uint32_t delivered = 0;
  std::uint32_t more = 0;
  std::uint32_t all = 0;
  do {
    ASSERT_EQ(client.api().poll(client.handle(), 3, 0, kPatienceMs, &delivered, &more, nullptr, 0), PROC_OK);
    all += delivered;
    EXPECT_TRUE(more == 1 || all == 10) << all;
  } while (all < 10);
  ASSERT_EQ(client.api().poll(client.handle(), 3, 0, 0, &delivered, &more, nullptr, 0), PROC_OK);
  EXPECT_EQ(delivered, 0U);
  EXPECT_EQ(more, 0U);
}

TEST_F(Polling, AnArrayIsFilledWithinItsTime) {
  Client client(processor_.address(), quiet);
  settle(client);
  for (int i = 0; i < 1000; ++i) {
    client.allocate();
  }
  wait_for_results(client, 1000);
  std::vector<proc_event> events(1000);
  std::uint32_t count = 0;
  std::uint32_t more = 0;
  ASSERT_EQ(client.api().poll_events(client.handle(), events.data(), sizeof(proc_event), 1000, 1, kPatienceMs, &count,
                                     &more, nullptr, 0),
            PROC_OK);
  EXPECT_GE(count, 1U);
  EXPECT_LT(count, 1000U) << "a thousand events in a microsecond";
  EXPECT_EQ(more, 1U);
  EXPECT_TRUE(client.poll_until_results(1000 - count));
}

// As libuv, tokio and others watch descriptors: they hear of what is new alone.
TEST_F(Polling, TheWakeupFdCanBeWatchedEdgeTriggered) {
  Client client(processor_.address(), quiet);
  settle(client);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, client.wakeup_fd(), &event), 0);
  epoll_wait(epoll, &event, 1, 0);  // what it is when it is added
  for (std::size_t round = 1; round <= 20; ++round) {
    client.allocate();
    while (client.results.size() < round) {
      ASSERT_EQ(epoll_wait(epoll, &event, 1, kPatienceMs), 1) << "round " << round;
      std::uint32_t more = 1;
      while (more != 0) {
        ASSERT_EQ(client.api().poll(client.handle(), 1, 0, 0, nullptr, &more, nullptr, 0), PROC_OK);
      }
    }
  }
  close(epoll);
}

// What the host gives: kind and its two ends.
class NotifyFd : public Polling, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    const std::string kind = GetParam();
    if (kind == "pipe") {
      ASSERT_EQ(pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC), 0);
    } else if (kind == "socket") {
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0);
    } else {
      ends_[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
      ends_[1] = dup(ends_[0]);
    }
  }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  std::array<int, 2> ends_{-1, -1};
};

TEST_P(NotifyFd, IsWrittenToWhenSomethingComes) {
  Client client(processor_.address(), [&](proc_config& config) {
    quiet(config);
    config.notify_fd = ends_[1];
  });
  for (std::size_t round = 1; round <= 10; ++round) {
    client.allocate();
    while (client.results.size() < round) {
      pollfd watched{ends_[0], POLLIN, 0};
      ASSERT_EQ(::poll(&watched, 1, kPatienceMs), 1);
      std::uint64_t got = 0;
      ASSERT_EQ(read(ends_[0], &got, sizeof(got)), 8);
      std::uint32_t more = 1;
      while (more != 0) {
        ASSERT_EQ(client.api().poll(client.handle(), 0, 0, 0, nullptr, &more, nullptr, 0), PROC_OK);
      }
    }
  }
}

TEST_P(NotifyFd, ThatNobodyReadsDisturbsNothing) {
  if (std::string(GetParam()) != "eventfd") {
    close(ends_[0]);
    ends_[0] = -1;
  }
  Client client(processor_.address(), [&](proc_config& config) {
    quiet(config);
    config.notify_fd = ends_[1];
  });
  for (std::size_t round = 1; round <= 10; ++round) {
    client.allocate();
    ASSERT_TRUE(client.poll_until_results(round));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, NotifyFd, testing::Values("pipe", "socket", "eventfd"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_F(Polling, ANotifyFdThatCannotBeUsedIsRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const auto refusal = [&](int fd) {
    const std::string address = processor_.address();
    proc_config config = plaintext_config(address);
    config.notify_fd = fd;
    proc_client* client = nullptr;
    char error[256] = "";
    EXPECT_EQ(plugin().init(&config, &client, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
    return std::string(error);
  };
  EXPECT_EQ(refusal(ends[1]), "notify_fd: " + std::to_string(ends[1]) + " is blocking; set O_NONBLOCK");
  EXPECT_EQ(refusal(ends[0]), "notify_fd: " + std::to_string(ends[0]) + " is not open for writing");
  EXPECT_EQ(refusal(123456), "notify_fd: 123456: Bad file descriptor");
  EXPECT_EQ(refusal(-2), "notify_fd: -2 is not from -1 to 2147483647");
  close(ends[0]);
  close(ends[1]);
}

// A client without callbacks, whose events come as JSON.
class JsonClient {
 public:
  explicit JsonClient(const std::string& address, const std::function<void(proc_config&)>& adjust = {}) {
    proc_config config = plaintext_config(address);
    if (adjust) {
      adjust(config);
    }
    char error[256] = "";
    EXPECT_EQ(plugin().init(&config, &client_, error, sizeof(error)), PROC_OK) << error;
  }
  ~JsonClient() {
    plugin().shutdown(client_, 0, nullptr, 0);
    plugin().destroy(client_, nullptr, 0);
  }
  JsonClient(const JsonClient&) = delete;
  JsonClient& operator=(const JsonClient&) = delete;

  proc_client* handle() const { return client_; }
  void allocate(std::string_view body, std::uint64_t token) {
    ASSERT_EQ(plugin().allocate(client_, PROC_FORMAT_JSON, body.data(), body.size(), 0, token, nullptr, nullptr, 0),
              PROC_OK);
  }
  // The next event of this type.
  json next(const std::string& type) {
    const auto on_json = [](void* self, const char* text, std::uint64_t size) {
      EXPECT_EQ(text[size], '\0');
      static_cast<JsonClient*>(self)->last_ = json::parse(std::string(text, size));
    };
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      std::uint32_t delivered = 0;
      EXPECT_EQ(plugin().poll_json(client_, on_json, this, 1, 0, 100, &delivered, nullptr, nullptr, 0), PROC_OK);
      if (delivered == 1 && last_["type"] == type) {
        return last_;
      }
    }
    ADD_FAILURE() << "no " << type;
    return {};
  }

 private:
  proc_client* client_ = nullptr;
  json last_;
};

TEST_F(Polling, EventsComeAsJson) {
  JsonClient client(processor_.address());
  const json connecting = client.next("CONNECTION");
  EXPECT_EQ(connecting["connection"], "CONNECTING");
  client.allocate(kAnyGameServer, 77);
  const json result = client.next("RESULT");
  EXPECT_EQ(result["token"], 77);
  EXPECT_EQ(result["requestId"], 1);
  EXPECT_EQ(result["outcome"], "ALLOCATED");
  EXPECT_EQ(result["delivery"], "DONE");
  EXPECT_EQ(result["gameServer"]["gameServerName"], "local-1");
  EXPECT_EQ(result["gameServer"]["ports"][0]["port"], 7000);
  client.allocate(R"({"namespace":"default","gameServerSelectors":[{"matchLabels":{"no":"such"}}]})", 78);
  const json rejected = client.next("RESULT");
  EXPECT_EQ(rejected["outcome"], "REJECTED");
  EXPECT_EQ(rejected["code"], 8);
  EXPECT_NE(rejected["message"], "");
}

TEST_F(Polling, AnUnsentRequestComesBackAsJson) {
  auto options = quick_options();
  options.serving = false;
  LocalProcessor standby(options, fleet_of(1));
  JsonClient client(standby.address());
  const json body = json::parse(R"({"namespace":"default","metadata":{"labels":{"mode":"arena"}}})");
  client.allocate(body.dump(), 5);
  ASSERT_EQ(plugin().drain(client.handle(), PROC_DRAIN_RETURN_UNSENT, nullptr, 0), PROC_OK);
  const json result = client.next("RESULT");
  EXPECT_EQ(result["delivery"], "NOT_SENT");
  EXPECT_EQ(result["request"], body);
  EXPECT_GT(result["remainingMs"], 0);
}

TEST_F(Polling, LogLinesComeAsJsonToo) {
  JsonClient client(processor_.address(), [](proc_config& config) { config.log_level = PROC_SEVERITY_INFO; });
  const json line = client.next("LOG");
  EXPECT_EQ(line["severity"], "INFO");
  EXPECT_EQ(line["channel"], "stream");
}

TEST_F(Polling, NothingIsGoneWithoutACallback) {
  JsonClient client(processor_.address());
  for (std::uint64_t token = 0; token < 100; ++token) {
    client.allocate(kAnyGameServer, token);
  }
  char error[128] = "";
  EXPECT_EQ(plugin().poll(client.handle(), 0, 0, 0, nullptr, nullptr, error, sizeof(error)), PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "on_event: not set; use proc_poll_events or proc_poll_json");
  EXPECT_EQ(plugin().poll_json(client.handle(), nullptr, nullptr, 0, 0, 0, nullptr, nullptr, error, sizeof(error)),
            PROC_ERR_INVALID_ARGUMENT);
  EXPECT_STREQ(error, "on_json: NULL");
  std::set<std::uint64_t> tokens;
  while (tokens.size() < 100) {
    const json result = client.next("RESULT");
    ASSERT_FALSE(result.is_null());
    EXPECT_TRUE(tokens.insert(result["token"].get<std::uint64_t>()).second);
  }
}

TEST_F(Polling, AJsonCallbackThatThrowsIsSurvived) {
  Client client(processor_.address());
  client.allocate();
  client.allocate();
  const auto throwing = [](void*, const char*, std::uint64_t) { throw std::runtime_error("a host's bug"); };
  ASSERT_TRUE(wait_until([&] {
    EXPECT_EQ(client.api().poll_json(client.handle(), throwing, nullptr, 1, 0, 20, nullptr, nullptr, nullptr, 0),
              PROC_OK);
    return client.stats().pending == 0;
  }));
  ASSERT_TRUE(client.poll_until([&] { return !client.logs.empty(); }));
}

}  // namespace
}  // namespace agones::test
