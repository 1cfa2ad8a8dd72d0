// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/counts.h"

#include <algorithm>
#include <set>

namespace agones::local {

namespace {

constexpr std::int64_t kLargestListCapacity = 1000;

std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::string not_found(const char* kind, const GameServer& server) {
  return std::string(kind) + " not found in GameServer " + server.name;
}

void set_capacity(Counter& counter, std::int64_t capacity) {
  counter.capacity = capacity;
  counter.count = std::min(counter.count, capacity);
}

void set_capacity(List& list, std::int64_t capacity) {
  list.capacity = capacity;
  if (list.values.size() > static_cast<std::size_t>(capacity)) {
    list.values.resize(static_cast<std::size_t>(capacity));
  }
}

// Old values that repeat go too.
void append(List& list, const google::protobuf::RepeatedPtrField<std::string>& values) {
  std::vector<std::string> all = std::move(list.values);
  all.insert(all.end(), values.begin(), values.end());
  list.values.clear();
  std::set<std::string_view> seen;
  for (const std::string& value : all) {
    if (seen.insert(value).second) {
      list.values.push_back(value);
    }
  }
  if (list.values.size() > static_cast<std::size_t>(std::max<std::int64_t>(list.capacity, 0))) {
    list.values.resize(static_cast<std::size_t>(std::max<std::int64_t>(list.capacity, 0)));
  }
}

void remove(List& list, const google::protobuf::RepeatedPtrField<std::string>& values) {
  const std::set<std::string_view> unwanted(values.begin(), values.end());
  list.values.erase(std::remove_if(list.values.begin(), list.values.end(),
                                   [&](const std::string& value) { return unwanted.count(value) > 0; }),
                    list.values.end());
}

// As Go prints a slice.
std::string spell(const google::protobuf::RepeatedPtrField<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) {
    text += (text.size() > 1 ? " " : "") + value;
  }
  return text + "]";
}

void act(const allocation::CounterAction& action, const std::string& name, GameServer& server, Warnings& warnings) {
  const auto found = server.counters.find(name);
  Counter* const counter = found == server.counters.end() ? nullptr : &found->second;
  const auto warn = [&](const std::string& what) { warnings.push_back("CounterActionError: unable to " + what); };
  if (action.has_capacity()) {
    if (counter == nullptr) {
      warn("UpdateCounterCapacity: Name " + name + ", Capacity " + std::to_string(action.capacity().value()) + ". " +
           not_found("Counter", server));
    } else {
      set_capacity(*counter, action.capacity().value());
    }
  }
  if (!action.has_action() || !action.has_amount()) {
    return;
  }
  const std::string& verb = action.action().value();
  const std::int64_t amount = action.amount().value();
  const std::string attempt =
      "UpdateCount with Name " + name + ", Action " + verb + ", Amount " + std::to_string(amount) + ". ";
  if (verb != "Increment" && verb != "Decrement") {
    warn(attempt + "Allocation action must be one of Increment or Decrement");
  } else if (counter == nullptr) {
    warn(attempt + not_found("Counter", server));
  } else {
    const std::int64_t count =
        verb == "Increment" ? wrapping_sum(counter->count, amount) : wrapping_difference(counter->count, amount);
    counter->count = std::max<std::int64_t>(std::min(count, counter->capacity), 0);
  }
}

void act(const allocation::ListAction& action, const std::string& name, GameServer& server, Warnings& warnings) {
  const auto found = server.lists.find(name);
  List* const list = found == server.lists.end() ? nullptr : &found->second;
  const auto warn = [&](const std::string& what) { warnings.push_back("ListActionError: unable to " + what); };
  if (action.has_capacity()) {
    const std::int64_t capacity = action.capacity().value();
    const std::string attempt = "UpdateListCapacity: Name " + name + ", Capacity " + std::to_string(capacity) + ". ";
    if (capacity < 0 || capacity > kLargestListCapacity) {
      warn(attempt + "Capacity must be between 0 and 1000, inclusive");
    } else if (list == nullptr) {
      warn(attempt + not_found("List", server));
    } else {
      set_capacity(*list, capacity);
    }
  }
  if (list == nullptr) {
    const auto warn_of = [&](const char* what, const auto& values) {
      if (!values.empty()) {
        warn(std::string(what) + ": Name " + name + ", Values " + spell(values) + ". " + not_found("List", server));
      }
    };
    warn_of("AppendListValues", action.addvalues());
    warn_of("DeleteListValues", action.deletevalues());
    return;
  }
  if (!action.addvalues().empty()) {
    append(*list, action.addvalues());
  }
  if (!action.deletevalues().empty()) {
    remove(*list, action.deletevalues());
  }
}

}  // namespace

std::int64_t available(const Counter& counter) {
  return wrapping_difference(counter.capacity, counter.count);
}

std::int64_t available(const List& list) {
  return wrapping_difference(list.capacity, static_cast<std::int64_t>(list.values.size()));
}

void act_on_counters(const allocation::AllocationRequest& request, GameServer& server, Warnings& warnings) {
  for (const auto& [name, action] : request.counters()) {
    act(action, name, server, warnings);
  }
}

void act_on_lists(const allocation::AllocationRequest& request, GameServer& server, Warnings& warnings) {
  for (const auto& [name, action] : request.lists()) {
    act(action, name, server, warnings);
  }
}

}  // namespace agones::local
