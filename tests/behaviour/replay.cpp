// SPDX-License-Identifier: Apache-2.0
#include "behaviour/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "behaviour/recorded.h"

namespace agones::test {

namespace {

bool is_of(const Transcript& transcript, const allocation::AllocationResponse& response) {
  return std::any_of(transcript.servers.begin(), transcript.servers.end(), [&](const local::GameServer& server) {
    return server.name == response.gameservername() && server.node == response.nodename() &&
           server.address == response.address();
  });
}

std::string wrapper_difference(const allocation::ResponseWrapper& expected, const allocation::ResponseWrapper& actual) {
  if (expected.request_id() != actual.request_id()) {
    return "id " + actual.request_id() + " instead of " + expected.request_id();
  }
  if (expected.has_response() && actual.has_response()) {
    auto without_time = expected.response();
    auto& annotations = *without_time.mutable_metadata()->mutable_annotations();
    if (annotations.count("agones.dev/last-allocated") > 0) {
      annotations["agones.dev/last-allocated"] = "*TIME*";
    }
    return difference(without_time, actual.response());
  }
  return expected.ShortDebugString() == actual.ShortDebugString()
             ? std::string()
             : "expected " + expected.ShortDebugString() + ", got " + actual.ShortDebugString();
}

}  // namespace

std::vector<Transcript> read_transcripts() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(AGONES_WIRE_FOLDER)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Transcript> transcripts;
  std::transform(paths.begin(), paths.end(), std::back_inserter(transcripts), read_transcript);
  return transcripts;
}

allocation::ProcessorMessage parsed(const std::string& bytes) {
  allocation::ProcessorMessage message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}

std::string difference(const allocation::BatchResponse& expected, const allocation::BatchResponse& actual,
                       const Transcript& transcript) {
  if (expected.batch_id() != actual.batch_id() || expected.responses_size() != actual.responses_size()) {
    return "expected " + expected.ShortDebugString() + ", got " + actual.ShortDebugString();
  }
  for (int i = 0; i < expected.responses_size(); ++i) {
    const auto& theirs = expected.responses(i);
    const auto& mine = actual.responses(i);
    std::string problem = wrapper_difference(theirs, mine);
    const bool other_server = expected.responses_size() > 1 && theirs.has_response() && mine.has_response() &&
                              theirs.request_id() == mine.request_id() && is_of(transcript, mine.response());
    if (!problem.empty() && !other_server) {
      return problem;
    }
  }
  return {};
}

}  // namespace agones::test
