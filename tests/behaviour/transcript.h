// SPDX-License-Identifier: Apache-2.0
// A recorded conversation between a client and a processor.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "local-processor/allocation/game_server.h"

namespace agones::test {

struct WireEvent {
  enum class Kind {
    kHeaders,  // a call begins
    kMessage,
    kHalfClose,
    kReset,  // the client cancelled
    kEnd,
    kAsk,     // a caller of the client wants an allocation
    kAnswer,  // ... and got this
    kBytes,   // of TCP: what the client sent
  };

  Kind kind = Kind::kHeaders;
  int stream = 0;
  bool from_client = false;
  std::string method;  // of headers
  std::string bytes;   // of a message
  int code = 0;        // of an end or an answer
  std::string text;    // the status text of an end or an answer
  std::string call;    // "call 1": which ask an answer belongs to
  nlohmann::json json;

  // A question or an answer of the health service, not a ProcessorMessage.
  bool of_health() const { return json.contains("service") || json.contains("status"); }
};

struct Transcript {
  std::string name;
  bool real_client = false;  // else its generated stub
  bool real_server = false;
  std::vector<local::GameServer> servers;
  std::vector<WireEvent> events;
  bool tcp = false;  // recorded as bytes
};

// One of TCP has the client's bytes and the messages that are in those of both. Throws std::runtime_error.
Transcript read_transcript(const std::string& path);

// The messages in a stretch of HTTP/2, by stream, in their order; what is cut off stays in `bytes`.
std::vector<std::pair<int, std::string>> take_messages(std::string& bytes);

}  // namespace agones::test
