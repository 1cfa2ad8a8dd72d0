// SPDX-License-Identifier: Apache-2.0
#include "behaviour/transcript.h"

#include <absl/strings/escaping.h>

#include <fstream>
#include <map>
#include <stdexcept>

#include "behaviour/recorded.h"

namespace agones::test {

namespace {

using nlohmann::json;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kMessageHeader = 5;
// The client asks for health first.
constexpr int kHealthStream = 1;

std::string decoded(const json& event) {
  std::string bytes;
  if (event.contains("bytes") && !absl::Base64Unescape(event.at("bytes").get<std::string>(), &bytes)) {
    throw std::runtime_error("bad base64");
  }
  return bytes;
}

std::uint32_t number(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + size; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

WireEvent::Kind kind_of(const std::string& type) {
  using Kind = WireEvent::Kind;
  static const std::map<std::string, Kind> kinds = {
      {"headers", Kind::kHeaders}, {"message", Kind::kMessage}, {"half-close", Kind::kHalfClose},
      {"reset", Kind::kReset},     {"end", Kind::kEnd},         {"ask", Kind::kAsk},
      {"answer", Kind::kAnswer}};
  const auto found = kinds.find(type);
  if (found == kinds.end()) {
    throw std::runtime_error("unknown event '" + type + "'");
  }
  return found->second;
}

WireEvent event_from(const json& line) {
  WireEvent event;
  event.kind = kind_of(line.at("type"));
  event.stream = line.value("stream", 0);
  event.from_client = line.value("dir", "") == "c2s";
  event.method = line.value("method", "");
  event.bytes = decoded(line);
  event.code = line.value("code", 0);
  const bool is_call = event.kind == WireEvent::Kind::kAsk || event.kind == WireEvent::Kind::kAnswer;
  event.call = is_call ? line.value("text", "") : "";
  event.text = is_call ? line.value("message", "") : line.value("text", "");
  event.json = line.value("json", json());
  return event;
}

// The bytes of one direction, as they come.
class TcpSide {
 public:
  TcpSide(bool from_client, Transcript& transcript) : from_client_(from_client), transcript_(transcript) {}

  void add(const std::string& bytes) {
    buffer_ += bytes;
    for (auto& [stream, message] : take_messages(buffer_)) {
      WireEvent event;
      event.kind = WireEvent::Kind::kMessage;
      event.stream = stream;
      event.from_client = from_client_;
      event.bytes = std::move(message);
      if (stream == kHealthStream) {
        event.json = from_client_ ? json{{"service", "processor"}} : json{{"status", "SERVING"}};
      }
      transcript_.events.push_back(std::move(event));
    }
  }

 private:
  bool from_client_;
  Transcript& transcript_;
  std::string buffer_;
};

}  // namespace

std::vector<std::pair<int, std::string>> take_messages(std::string& bytes) {
  std::vector<std::pair<int, std::string>> messages;
  if (bytes.rfind(kPreface, 0) == 0) {
    bytes.erase(0, sizeof(kPreface) - 1);
  }
  std::size_t at = 0;
  while (at + kFrameHeader <= bytes.size()) {
    const std::size_t size = number(bytes, at, 3);
    if (at + kFrameHeader + size > bytes.size()) {
      break;
    }
    const bool is_data = bytes[at + 3] == 0;
    // A message is short here: it is never cut into several frames.
    if (is_data && size >= kMessageHeader) {
      messages.emplace_back(static_cast<int>(number(bytes, at + 5, 4)),
                            bytes.substr(at + kFrameHeader + kMessageHeader, size - kMessageHeader));
    }
    at += kFrameHeader + size;
  }
  bytes.erase(0, at);
  return messages;
}

Transcript read_transcript(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text)) {
    throw std::runtime_error("cannot read " + path);
  }
  const json header = json::parse(text);
  Transcript transcript;
  transcript.name = header.at("transcript");
  transcript.real_client = header.at("client").get<std::string>().rfind("real", 0) == 0;
  transcript.real_server = header.at("server").get<std::string>().rfind("real", 0) == 0;
  transcript.servers = game_servers_from(header.value("gameServers", json::array()));
  TcpSide client(true, transcript);
  TcpSide server(false, transcript);
  while (std::getline(file, text)) {
    const json line = json::parse(text);
    const std::string type = line.at("type");
    if (type == "bytes") {
      transcript.tcp = true;
      const bool from_client = line.at("dir") == "c2s";
      if (from_client) {
        WireEvent event;
        event.kind = WireEvent::Kind::kBytes;
        event.from_client = true;
        event.bytes = decoded(line);
        transcript.events.push_back(std::move(event));
      }
      (from_client ? client : server).add(decoded(line));
    } else if (type != "connect" && type != "close") {
      transcript.events.push_back(event_from(line));
    }
  }
  return transcript;
}

}  // namespace agones::test
