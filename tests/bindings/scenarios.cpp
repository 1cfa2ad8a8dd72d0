// SPDX-License-Identifier: Apache-2.0
// The scenarios of scenarios.json with the C++ client: SCENARIO LIBRARY ADDRESS NEXT_PLUGIN
#include <agones/client.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace {

using agones::Client;
using agones::Result;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr char kAny[] = R"({"namespace":"default"})";

std::string name_of(agones::Outcome outcome) {
  constexpr const char* kNames[] = {"", "ALLOCATED", "REJECTED", "TIMEOUT", "CANCELLED", "DISCONNECTED", "SHUTDOWN"};
  return kNames[static_cast<int>(outcome)];
}

std::string name_of(agones::Delivery delivery) {
  constexpr const char* kNames[] = {"", "NOT_SENT", "UNKNOWN", "DONE"};
  return kNames[static_cast<int>(delivery)];
}

std::string name_of(proc_connection_state state) {
  constexpr const char* kNames[] = {"", "CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED"};
  return kNames[state];
}

json described(const Result& result) {
  return {{"outcome", name_of(result.outcome)},
          {"delivery", name_of(result.delivery)},
          {"code", result.code},
          {"message", result.message},
          {"request", result.request == "\n\x07"
                                        "default"}};
}

class Scenario {
 public:
  explicit Scenario(char** arguments)
      : name_(arguments[1]), library_(arguments[2]), address_(arguments[3]), next_plugin_(arguments[4]) {}

  json run() {
    if (name_ == "unload") {
      return unload();
    }
    std::vector<std::pair<std::string, std::string>> settings;
    if (name_ == "disconnected") {
      settings = {{"fail_fast", "1"}};
    } else if (name_ == "queue_full") {
      settings = {{"max_pending_requests", "1"}};
    } else if (name_ == "logs") {
      settings = {{"log_level", "info"}};
    } else if (name_ == "unknown_fields") {
      settings = {{"unknown_fields", "ignore"}};
    }
    client_ = make(settings);
    json result = play();
    client_->shutdown(milliseconds(5000));
    return result;
  }

 private:
  std::unique_ptr<Client> make(std::vector<std::pair<std::string, std::string>> settings) {
    agones::ClientOptions options;
    options.processor_address = address_;
    options.plaintext = true;
    options.settings = std::move(settings);
    if (name_ == "logs") {
      options.settings.clear();
      options.log_level = PROC_SEVERITY_INFO;
    }
    options.on_orphan = [this](const agones::Orphan& orphan) { orphan_ = orphan.game_server.name; };
    options.on_connection = [this](const agones::ConnectionEvent& event) { told_ = name_of(event.state); };
    options.on_log = [this](const agones::LogRecord& line) { logged_ = logged_ || line.kind == "stream_opened"; };
    return std::make_unique<Client>(agones::Library::load(library_), options);
  }

  template <typename Condition>
  void until(Condition condition) {
    while (!condition()) {
      client_->poll(0, {}, milliseconds(10));
    }
  }

  std::uint64_t submit(std::optional<Result>& result, const std::string& request = kAny, milliseconds timeout = {}) {
    const auto submitted = client_->allocate_json(
        request, [&result](const Result& one) { result = one; }, timeout);
    if (!submitted) {
      throw std::runtime_error(submitted.error);
    }
    return submitted.request_id;
  }

  Result await(const std::string& request = kAny, milliseconds timeout = {}) {
    std::optional<Result> result;
    submit(result, request, timeout);
    until([&] { return result.has_value(); });
    return *result;
  }

  std::string refused(const std::string& request = kAny, std::string* text = nullptr) {
    const auto submitted = client_->allocate_json(request, [](const Result&) {});
    if (text != nullptr) {
      *text = submitted.error;
    }
    return client_->library()->api().status_string(submitted.status);
  }

  // So many under way at a time, until so many have ended.
  void collect(std::size_t under_way, std::size_t count) {
    wanted_ = count;
    for (std::size_t i = 0; i < under_way; ++i) {
      one_more();
    }
  }
  void one_more() {
    if (asked_ == wanted_) {
      return;
    }
    ++asked_;
    client_->allocate_json(kAny, [this](const Result& result) {
      names_.push_back(result.game_server.value().name);
      one_more();
    });
  }

  json unload() {
    client_ = make({});
    client_->shutdown(milliseconds(5000));
    const auto library = client_->library();
    client_.reset();
    return {{"unmapped", library->unload().empty()}};
  }

  json play() {
    if (name_ == "thousand" || name_ == "tasks") {
      const std::size_t count = name_ == "thousand" ? 1000 : 500;
      collect(name_ == "thousand" ? 1000 : 100, count);
      until([&] { return names_.size() == count; });
      return {{"names", names_}};
    }
    if (name_ == "server") {
      const Result got = await(R"({"namespace":"default","metadata":{"labels":{"mode":"arena"}}})");
      const agones::GameServer& server = got.game_server.value();
      return {{"name", server.name},
              {"address", server.address},
              {"node", server.node_name},
              {"source", server.source},
              {"port", server.ports.at(0).port},
              {"label", json::parse(client_->response_json(server))["metadata"]["labels"]["mode"]}};
    }
    if (name_ == "protobuf") {
      std::optional<Result> result;
      client_->allocate(std::string_view("\n\x07"
                                         "default"),
                        [&](const Result& one) { result = one; });
      until([&] { return result.has_value(); });
      return {{"name", result->game_server.value().name}};
    }
    if (name_ == "manifest") {
      const std::string manifest =
          R"({"kind":"GameServerAllocation","spec":{"selectors":[{"matchLabels":{"agones.dev/fleet":"local"},"gameServerState":"Ready"}]}})";
      std::optional<Result> result;
      const auto keep = [&](const Result& one) { result = one; };
      const bool named = client_->allocate_json(manifest, keep).error.find("MANIFEST") != std::string::npos;
      client_->allocate_manifest(manifest, keep);
      until([&] { return result.has_value(); });
      return {{"named", named}, {"name", result->game_server->name}};
    }
    if (name_ == "unknown_fields") {
      return {
          {"name",
           await(
               R"({"namespace":"default","metadata":null,"gameServerSelectors":[{"matchLabels":null,"players":{"minAvailable":1}}]})")
               .game_server.value()
               .name}};
    }
    if (name_ == "rejected") {
      return described(await(R"({"namespace":"nowhere"})"));
    }
    if (name_ == "timeout_not_sent") {
      return described(await(kAny, milliseconds(50)));
    }
    if (name_ == "disconnected") {
      return described(await());
    }
    return name_ == "orphan" || name_ == "cancelled" || name_ == "cancelled_sent" ? play_given_up() : play_rest();
  }

  json play_given_up() {
    if (name_ == "orphan") {
      json result = described(await(kAny, milliseconds(2000)));
      until([&] { return !orphan_.empty(); });
      result["orphan"] = orphan_;
      return result;
    }
    std::optional<Result> result;
    const std::uint64_t id = submit(result);
    until([&] { return name_ == "cancelled" || client_->stats().in_flight == 1; });
    client_->cancel(id);
    until([&] { return result.has_value() && (name_ == "cancelled" || !orphan_.empty()); });
    return {{"gaveUp", result->outcome == agones::Outcome::kCancelled},
            {"cancelled", client_->stats().cancelled},
            {"orphan", orphan_}};
  }

  json play_rest() {
    std::optional<Result> result;
    if (name_ == "shutdown" || name_ == "drain") {
      submit(result);
      if (name_ == "shutdown") {
        client_->shutdown(milliseconds(5000));
      } else {
        client_->drain(PROC_DRAIN_RETURN_UNSENT);
        until([&] { return result.has_value(); });
      }
      json described_result = described(*result);
      described_result["afterwards"] = refused();
      return described_result;
    }
    if (name_ == "queue_full") {
      submit(result);
      json status = {{"status", refused()}};
      client_->shutdown(milliseconds(5000));
      return status;
    }
    if (name_ == "malformed") {
      std::string text;
      const std::string status = refused(R"({"nmespace":"default"})", &text);
      std::string setting;
      try {
        make({{"max_batch", "1"}});
      } catch (const agones::Error& error) {
        setting = error.what();
      }
      return {{"status", status},
              {"named", text.find("nmespace") != std::string::npos},
              {"setting", setting.empty() ? "" : "INVALID_ARGUMENT"},
              {"settingNamed", setting.find("max_batch") != std::string::npos},
              {"name", await().game_server.value().name}};
    }
    if (name_ == "connection") {
      until([&] { return told_ == "SERVING"; });
      return {{"told", told_}, {"state", name_of(client_->connection())}, {"streams", client_->stats().streams}};
    }
    if (name_ == "logs") {
      until([&] { return logged_; });
      return {{"logged", true}};
    }
    if (name_ == "swap") {
      using State = agones::SwapReport::State;
      collect(100, 1000);
      until([&] { return names_.size() >= 200; });
      client_->swap(next_plugin_);
      until([&] { return names_.size() == 1000 && client_->swap_report().state != State::kRunning; });
      const agones::SwapReport report = client_->swap_report();
      return {{"names", names_},
              {"from", report.from_version},
              {"to", report.to_version},
              {"version", client_->plugin_version()}};
    }
    if (name_ == "swap_refused") {
      using State = agones::SwapReport::State;
      client_->swap("/nowhere.so");
      until([&] { return client_->swap_report().state != State::kRunning; });
      return {{"refused", client_->swap_report().state == State::kFailed}, {"name", await().game_server.value().name}};
    }
    if (name_ == "exit") {
      for (int i = 0; i < 100; ++i) {
        client_->allocate_json(kAny, [](const Result&) {});
      }
      until([&] { return client_->stats().in_flight > 0; });
      std::cout << json{{"underWay", client_->stats().pending}} << std::endl;
      std::exit(0);
    }
    throw std::runtime_error("no scenario " + name_);
  }

  const std::string name_, library_, address_, next_plugin_;
  std::string orphan_;
  std::string told_;
  bool logged_ = false;
  std::vector<std::string> names_;
  std::size_t asked_ = 0;
  std::size_t wanted_ = 0;
  std::unique_ptr<Client> client_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN\n";
    return 2;
  }
  std::cout << Scenario(argv).run() << std::endl;
}
