// SPDX-License-Identifier: Apache-2.0
// What proc_allocate asks the host's allocator for. This program's malloc stands before libc's, and counts.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "support/plugin.h"
#include "support/requests.h"

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
}

namespace {

thread_local std::size_t t_asked = 0;

}  // namespace

extern "C" void* malloc(std::size_t size) {
  ++t_asked;
  return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t count, std::size_t size) {
  ++t_asked;
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* block, std::size_t size) {
  ++t_asked;
  return __libc_realloc(block, size);
}

namespace agones::test {
namespace {

std::size_t asked_by_allocate(const Client& client, proc_format format, const std::string& body) {
  const std::size_t before = t_asked;
  EXPECT_EQ(client.api().allocate(client.handle(), format, body.data(), body.size(), 0, 0, nullptr, nullptr, 0),
            PROC_OK);
  return t_asked - before;
}

// The first request wakes the client's thread; later ones of the same timeout need not.
void wake(const Client& client) {
  const std::string body = full_request().SerializeAsString();
  asked_by_allocate(client, PROC_FORMAT_PROTOBUF, body);
  ASSERT_TRUE(wait_until([&] { return client.stats().unsent == 1; }));
}

TEST(Memory, ARequestNeedsItsOwnBlockAlone) {
  Client client("127.0.0.1:1");
  wake(client);
  EXPECT_EQ(asked_by_allocate(client, PROC_FORMAT_PROTOBUF, full_request().SerializeAsString()), 1U);
  for (const char* json : kGoodJsonRequests) {
    EXPECT_EQ(asked_by_allocate(client, PROC_FORMAT_JSON, json), 1U) << json;
  }
}

TEST(Memory, ALongJsonRequestNeedsACopyAndRoomToWrite) {
  Client client("127.0.0.1:1");
  const std::string json = R"({"namespace":"n","metadata":{"labels":{"k":")" + std::string(100'000, 'x') + "\"}}}";
  EXPECT_LE(asked_by_allocate(client, PROC_FORMAT_JSON, json), 3U);
}

}  // namespace
}  // namespace agones::test
