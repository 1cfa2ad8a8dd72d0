// SPDX-License-Identifier: Apache-2.0
#include "local-processor/http/views.h"

#include <sstream>
#include <stdexcept>
#include <variant>

namespace agones::local {

namespace {

using nlohmann::json;

template <typename Map, typename Describe>
json object_of(const Map& map, Describe describe) {
  json object = json::object();
  for (const auto& [name, value] : map) {
    object[name] = describe(value);
  }
  return object;
}

json counters_of(const GameServer& server) {
  return object_of(server.counters, [](const Counter& counter) {
    return json{{"count", counter.count}, {"capacity", counter.capacity}};
  });
}

json lists_of(const GameServer& server) {
  return object_of(server.lists, [](const List& list) {
    return json{{"values", list.values}, {"capacity", list.capacity}};
  });
}

json server_json(const GameServer& server) {
  json ports = json::array();
  for (const GameServer::Port& port : server.ports) {
    ports.push_back({{"name", port.name}, {"port", port.port}});
  }
  return {{"name", server.name},      {"namespace", server.space},         {"state", name_of(server.state)},
          {"node", server.node},      {"address", server.address},         {"ports", std::move(ports)},
          {"labels", server.labels},  {"annotations", server.annotations}, {"counters", counters_of(server)},
          {"lists", lists_of(server)}};
}

// "players 3/10, rooms 0/5": short, as the page shows it.
std::string room_of(const GameServer& server) {
  std::string text;
  const auto add = [&](const std::string& name, std::int64_t used, std::int64_t capacity) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(used) + "/" + std::to_string(capacity);
  };
  for (const auto& [name, counter] : server.counters) {
    add(name, counter.count, counter.capacity);
  }
  for (const auto& [name, list] : server.lists) {
    add(name, static_cast<std::int64_t>(list.values.size()), list.capacity);
  }
  return text;
}

const char* kind_of(FleetEvent::Kind kind) {
  switch (kind) {
    case FleetEvent::Kind::kAllocated:
      return "allocated";
    case FleetEvent::Kind::kSessionEnded:
      return "session ended";
    case FleetEvent::Kind::kReady:
      return "ready";
    case FleetEvent::Kind::kFleet:
      return "fleet";
    case FleetEvent::Kind::kNoneLeft:
      return "none left";
    case FleetEvent::Kind::kWarning:
      return "warning";
  }
  return "";
}

// A fault by the name of its option.
using FaultField = std::variant<double Faults::*, std::chrono::milliseconds Faults::*, bool Faults::*, int Faults::*,
                                std::uint32_t Faults::*>;
const std::map<std::string, FaultField>& fault_fields() {
  static const std::map<std::string, FaultField> fields = {
      {"work_ms", &Faults::work},
      {"latency_ms", &Faults::latency},
      {"error_rate", &Faults::error_rate},
      {"error_code", &Faults::error_code},
      {"write_conflict_rate", &Faults::write_conflict_rate},
      {"write_error_rate", &Faults::write_error_rate},
      {"drop_before_answer", &Faults::drop_before_answer},
      {"drop_after_answer", &Faults::drop_after_answer},
      {"answer_twice", &Faults::answer_twice},
      {"answer_unknown_ids", &Faults::answer_unknown_ids},
      {"answer_garbage", &Faults::answer_garbage},
      {"oversize_bytes", &Faults::oversize_bytes},
      {"stop_pulling", &Faults::stop_pulling},
      {"stop_reading", &Faults::stop_reading},
  };
  return fields;
}

// How long allocations take, by the names of their options; kUpdatesPerSecond is no share, and not among them.
constexpr char kUpdatesPerSecond[] = "updates_per_second";
using UpdateField =
    std::variant<double UpdateTiming::*, std::chrono::microseconds UpdateTiming::*, std::uint32_t UpdateTiming::*>;
const std::map<std::string, UpdateField>& update_fields() {
  static const std::map<std::string, UpdateField> fields = {
      {"update_burst", &UpdateTiming::burst},
      {"update_ms", &UpdateTiming::each},
      {"slow_update_rate", &UpdateTiming::slow_rate},
      {"slow_update_ms", &UpdateTiming::slow},
  };
  return fields;
}

[[noreturn]] void refuse(const std::string& name, const char* wanted) {
  throw std::runtime_error(name + ": not " + wanted);
}

void set(const std::string& name, const json& value, double& rate) {
  if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1) {
    refuse(name, "a rate from 0 to 1");
  }
  rate = value.get<double>();
}

void set(const std::string& name, const json& value, bool& flag) {
  if (!value.is_boolean()) {
    refuse(name, "true or false");
  }
  flag = value.get<bool>();
}

std::uint32_t whole_number(const std::string& name, const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT32_MAX) {
    refuse(name, "a whole number from 0 to 2147483647");
  }
  return value.get<std::uint32_t>();
}

void set(const std::string& name, const json& value, std::uint32_t& number) {
  number = whole_number(name, value);
}

void set(const std::string& name, const json& value, int& number) {
  number = static_cast<int>(whole_number(name, value));
}

void set(const std::string& name, const json& value, std::chrono::milliseconds& time) {
  time = std::chrono::milliseconds(whole_number(name, value));
}

void set(const std::string& name, const json& value, std::chrono::microseconds& time) {
  time = std::chrono::milliseconds(whole_number(name, value));
}

json spell(std::chrono::milliseconds time) {
  return time.count();
}

json spell(std::chrono::microseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

template <typename T>
json spell(const T& value) {
  return value;
}

template <typename Struct, typename Fields>
json fields_json(const Struct& values, const Fields& fields) {
  json object = json::object();
  for (const auto& [name, field] : fields) {
    object[name] = std::visit([&](auto member) { return spell(values.*member); }, field);
  }
  return object;
}

template <typename Struct, typename Fields>
Struct changed_fields(Struct values, const json& changes, const Fields& fields, const char* what) {
  if (!changes.is_object()) {
    throw std::runtime_error("expected a JSON object");
  }
  for (const auto& [key, value] : changes.items()) {
    const auto found = fields.find(key);
    if (found == fields.end()) {
      throw std::runtime_error(key + ": no such " + what);
    }
    const std::string& name = found->first;
    const json& wanted = value;
    std::visit([&](auto member) { set(name, wanted, values.*member); }, found->second);
  }
  return values;
}

class MetricsText {
 public:
  template <typename T>
  void add(const char* name, const char* type, const char* help, const T& value) {
    begin(name, type, help);
    text_ << name << ' ' << value << '\n';
  }
  void begin(const char* name, const char* type, const char* help) {
    text_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
  }
  std::ostream& line() { return text_; }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

void add_batch_times(const BatchTimes& times, MetricsText& metrics) {
  constexpr char kName[] = "local_processor_batch_seconds";
  metrics.begin(kName, "histogram", "From a batch's arrival to its answer.");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < times.counts.size(); ++i) {
    total += times.counts[i];
    std::ostream& line = metrics.line() << kName << "_bucket{le=\"";
    if (i < BatchTimes::kLimits.size()) {
      line << BatchTimes::kLimits[i];
    } else {
      line << "+Inf";
    }
    line << "\"} " << total << '\n';
  }
  metrics.line() << kName << "_sum " << times.sum << '\n' << kName << "_count " << total << '\n';
}

}  // namespace

json fleet_json(const FleetChanges& all) {
  json servers = json::array();
  for (const Cell& cell : all.cells) {
    servers.push_back(server_json(cell.server));
  }
  return {{"gameServers", std::move(servers)}};
}

json fleets_json(const std::vector<FleetStatus>& fleets) {
  json all = json::array();
  for (const FleetStatus& fleet : fleets) {
    all.push_back({{"namespace", fleet.space},
                   {"name", fleet.name},
                   {"replicas", fleet.replicas},
                   {"gameServers", fleet.servers},
                   {"ready", fleet.ready},
                   {"allocated", fleet.allocated}});
  }
  return all;
}

json changes_json(const FleetChanges& changes, const std::vector<FleetStatus>& fleets, const ProcessorCounts& counts,
                  bool serving, const Faults& faults) {
  json cells = json::array();
  for (const Cell& cell : changes.cells) {
    if (cell.empty) {
      cells.push_back(json::array({cell.number}));
      continue;
    }
    const GameServer& server = cell.server;
    const auto fleet = server.labels.find(kFleetLabel);
    cells.push_back({cell.number, name_of(server.state), server.space, server.name, server.node, room_of(server),
                     fleet == server.labels.end() ? "" : fleet->second});
  }
  json events = json::array();
  for (const FleetEvent& event : changes.events) {
    events.push_back({rfc3339(event.time), kind_of(event.kind), event.server, event.detail});
  }
  std::uint64_t timed = 0;
  for (const std::uint64_t count : counts.batch_times.counts) {
    timed += count;
  }
  return {{"version", changes.version},    {"places", changes.places},     {"cells", std::move(cells)},
          {"events", std::move(events)},   {"serving", serving},           {"faults", faults_json(faults)},
          {"clients", counts.clients},     {"pulls", counts.pulls},        {"batches", counts.batches},
          {"allocated", counts.allocated}, {"refused", counts.refused},    {"batchSeconds", counts.batch_times.sum},
          {"timedBatches", timed},         {"fleets", fleets_json(fleets)}};
}

std::string metrics_text(const std::map<GameServerState, std::size_t>& states, const ProcessorCounts& counts,
                         bool serving) {
  MetricsText metrics;
  metrics.begin("local_processor_game_servers", "gauge", "Game servers by state.");
  for (const auto& [state, count] : states) {
    metrics.line() << "local_processor_game_servers{state=\"" << name_of(state) << "\"} " << count << '\n';
  }
  metrics.add("local_processor_serving", "gauge", "1: leader, 0: standby.", serving ? 1 : 0);
  metrics.add("local_processor_clients", "gauge", "Registered clients.", counts.clients);
  metrics.add("local_processor_streams_total", "counter", "Streams that registered.", counts.streams);
  metrics.add("local_processor_pulls_total", "counter", "Pulls that were sent.", counts.pulls);
  metrics.add("local_processor_batches_total", "counter", "Batches that were answered.", counts.batches);
  metrics.add("local_processor_allocated_total", "counter", "Allocations.", counts.allocated);
  metrics.add("local_processor_refused_total", "counter", "Requests that got no game server.", counts.refused);
  add_batch_times(counts.batch_times, metrics);
  return metrics.text();
}

json explanation_json(const Explanation& explanation) {
  json selectors = json::array();
  for (const SelectorExplanation& selector : explanation.selectors) {
    json conditions = json::array();
    for (const Condition& condition : selector.conditions) {
      conditions.push_back({{"condition", condition.text}, {"passing", condition.passing}});
    }
    selectors.push_back(
        {{"selector", selector.where}, {"conditions", std::move(conditions)}, {"instead", selector.nearest}});
  }
  return {{"problem", explanation.problem},
          {"selectors", std::move(selectors)},
          {"warnings", explanation.warnings},
          {"matches", explanation.matches()},
          {"text", text_of(explanation)}};
}

json faults_json(const Faults& faults) {
  return fields_json(faults, fault_fields());
}

Faults changed_faults(Faults faults, const json& changes) {
  return changed_fields(faults, changes, fault_fields(), "fault");
}

json updates_json(const UpdateTiming& updates) {
  json object = fields_json(updates, update_fields());
  object[kUpdatesPerSecond] = updates.per_second;
  return object;
}

UpdateTiming changed_updates(UpdateTiming updates, json changes) {
  if (const auto rate = changes.find(kUpdatesPerSecond); rate != changes.end()) {
    if (!rate->is_number() || rate->get<double>() < 0) {
      refuse(kUpdatesPerSecond, "a number from 0");
    }
    updates.per_second = rate->get<double>();
    changes.erase(rate);
  }
  updates = changed_fields(updates, changes, update_fields(), "timing that can be changed");
  if (updates.burst == 0) {
    refuse("update_burst", "at least 1");
  }
  return updates;
}

}  // namespace agones::local
