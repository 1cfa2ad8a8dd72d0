// SPDX-License-Identifier: Apache-2.0
#include "behaviour/recorded.h"

#include <allocation/processor.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <ctime>
#include <fstream>
#include <stdexcept>

namespace agones::test {

namespace {

using nlohmann::json;

constexpr char kLastAllocated[] = "agones.dev/last-allocated";
constexpr char kTime[] = "*TIME*";
constexpr double kRecentSeconds = 600;

// "@repeat:x:N@" is N times x.
std::string expand(const std::string& text) {
  const std::string start = "@repeat:";
  const std::size_t colon = text.rfind(':');
  if (text.rfind(start, 0) != 0 || text.back() != '@' || colon < start.size()) {
    return text;
  }
  const std::string part = text.substr(start.size(), colon - start.size());
  std::string result;
  for (unsigned long i = std::stoul(text.substr(colon + 1)); i > 0; --i) {
    result += part;
  }
  return result;
}

json expanded(const json& value) {
  if (value.is_string()) {
    return expand(value.get<std::string>());
  }
  json result = value;
  if (value.is_structured()) {
    for (auto& part : result) {
      part = expanded(part);
    }
  }
  return result;
}

local::GameServerState state_from(const std::string& recorded) {
  // SCHEDULED, REQUEST_READY
  std::string name;
  bool capital = true;
  for (const char c : recorded) {
    if (c == '_') {
      capital = true;
      continue;
    }
    name += capital ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    capital = false;
  }
  const auto state = local::state_named(name);
  if (!state) {
    throw std::runtime_error("unknown state " + recorded);
  }
  return *state;
}

// RFC 3339 in UTC, up to nine decimals, none of them a zero at the end.
bool is_recent(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return false;
  }
  std::string decimals = rest;
  if (decimals.empty() || decimals.back() != 'Z') {
    return false;
  }
  decimals.pop_back();
  const bool good =
      decimals.empty() || (decimals.front() == '.' && decimals.size() >= 2 && decimals.size() <= 10 &&
                           decimals.find_first_not_of("0123456789", 1) == std::string::npos && decimals.back() != '0');
  return good && std::abs(std::difftime(timegm(&parts), std::time(nullptr))) < kRecentSeconds;
}

// Makes an empty metadata, too: whether there is one is no fact of the recordings.
void forget_time(allocation::AllocationResponse& response) {
  auto& annotations = *response.mutable_metadata()->mutable_annotations();
  const auto found = annotations.find(kLastAllocated);
  if (found != annotations.end() && is_recent(found->second)) {
    found->second = kTime;
  }
}

std::string describe(const local::AllocationResult& result, const allocation::AllocationResponse& response) {
  if (result.code != 0) {
    return "error " + std::to_string(result.code) + " \"" + result.message + "\"";
  }
  return "response " + response.ShortDebugString();
}

}  // namespace

json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read " + path);
  }
  try {
    return json::parse(file);
  } catch (const json::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

template <typename Message>
Message message_from(const json& recorded) {
  Message message;
  const std::string text = expanded(recorded).dump();
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message);
  if (!status.ok()) {
    throw std::runtime_error(std::string(status.message()) + " in " + text.substr(0, 200));
  }
  return message;
}

template allocation::AllocationRequest message_from(const json&);
template allocation::AllocationResponse message_from(const json&);
template allocation::ProcessorMessage message_from(const json&);

allocation::AllocationResponse response_from(const json& game_server) {
  json fields = game_server;
  for (const char* own : {"namespace", "state", "deleting", "creationTimestamp"}) {
    fields.erase(own);
  }
  return message_from<allocation::AllocationResponse>(fields);
}

local::GameServer game_server_from(const json& recorded) {
  const auto message = response_from(recorded);
  local::GameServer server;
  server.name = message.gameservername();
  server.space = recorded.value("namespace", "");
  server.state = state_from(recorded.at("state"));
  server.deleting = recorded.value("deleting", false);
  server.node = message.nodename();
  server.address = message.address();
  for (const auto& address : message.addresses()) {
    server.addresses.push_back({address.type(), address.address()});
  }
  for (const auto& port : message.ports()) {
    server.ports.push_back({port.name(), port.port()});
  }
  server.labels.insert(message.metadata().labels().begin(), message.metadata().labels().end());
  server.annotations.insert(message.metadata().annotations().begin(), message.metadata().annotations().end());
  for (const auto& [name, counter] : message.counters()) {
    server.counters[name] = {counter.count().value(), counter.capacity().value()};
  }
  for (const auto& [name, list] : message.lists()) {
    server.lists[name] = {{list.values().begin(), list.values().end()}, list.capacity().value()};
  }
  return server;
}

std::vector<local::GameServer> game_servers_from(const json& recorded) {
  std::vector<local::GameServer> servers;
  std::transform(recorded.begin(), recorded.end(), std::back_inserter(servers), game_server_from);
  return servers;
}

std::string difference(const allocation::AllocationResponse& expected, const allocation::AllocationResponse& actual) {
  allocation::AllocationResponse mine = actual;
  allocation::AllocationResponse theirs = expected;
  forget_time(mine);
  forget_time(theirs);
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(theirs, mine) ? std::string() : report;
}

std::string difference(const json& expected, const local::AllocationResult& result,
                       const allocation::AllocationResponse& response) {
  const auto error = expected.find("error");
  if (error == expected.end()) {
    return result.code == 0
               ? difference(message_from<allocation::AllocationResponse>(expected.at("response")), response)
               : "expected a response, got " + describe(result, response);
  }
  const json messages = error->value("messages", json::array({error->value("message", "")}));
  const bool known = std::find(messages.begin(), messages.end(), json(result.message)) != messages.end();
  const bool same = result.code == error->at("code").get<int>() && known;
  return same ? std::string() : "expected error " + error->dump() + ", got " + describe(result, response);
}

std::string difference(const allocation::AllocationResponse& expected, const local::GameServer& actual) {
  allocation::AllocationResponse state;
  local::write_response(actual, state);
  state.set_source(expected.source());
  return difference(expected, state);
}

}  // namespace agones::test
