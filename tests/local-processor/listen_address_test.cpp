// SPDX-License-Identifier: Apache-2.0
#include "listen-address/listen_address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace listen_address {
namespace {

TEST(ListenAddress, HostAndPortAreRead) {
  for (const char* text : {"127.0.0.1:9090", "localhost:0", "[::1]:65535", "a.example:80"}) {
    EXPECT_EQ(parse(text).text(), text);
  }
  EXPECT_EQ(parse("[::1]:1").host, "::1");
}

TEST(ListenAddress, APortMayBeLeftOutWhereThereIsADefault) {
  EXPECT_EQ(parse("127.0.0.1", 9090).text(), "127.0.0.1:9090");
  EXPECT_EQ(parse("[::1]", 9090).text(), "[::1]:9090");
  EXPECT_EQ(parse("127.0.0.1:1", 9090).text(), "127.0.0.1:1");
}

TEST(ListenAddress, BlanksAndNewlinesAroundItArePassedOver) {
  EXPECT_EQ(parse(" 127.0.0.1:9090\n").text(), "127.0.0.1:9090");
  EXPECT_EQ(parse("\t[::1]:1 \r\n").text(), "[::1]:1");
  EXPECT_EQ(parse("localhost\n", 9090).text(), "localhost:9090");
  EXPECT_THROW(parse(" \n", 9090), std::runtime_error);
}

TEST(ListenAddress, OthersAreRefused) {
  for (const char* text : {"",        ":",      ":1",         "127.0.0.1", "a:",
                           "a:x",     "a:-1",   "a:65536",    "a:999999",  "::1",
                           "::1:80",  "[::1",   "[::1]",      "[::1]x",    "[]:1",
                           "[a]:1",   "a b:1",  "http://a:1", "a:1/",      "ipv4:127.0.0.1:1",
                           "a:1,b:2", "a:1\nb", "]:1",        "[::1]]:1"}) {
    EXPECT_THROW(parse(text), std::runtime_error) << text;
  }
  EXPECT_THROW(parse("::1", 9090), std::runtime_error);
  EXPECT_THROW(parse("a:", 9090), std::runtime_error);
}

TEST(ListenAddress, TheSystemsReasonIsTold) {
  EXPECT_EQ(problem_of({"127.0.0.1", 0}), "");
  EXPECT_EQ(problem_of({"192.0.2.1", 0}), "Cannot assign requested address");
  EXPECT_NE(problem_of({"nowhere.invalid", 0}), "");
}

}  // namespace
}  // namespace listen_address
