// SPDX-License-Identifier: Apache-2.0
// Requests in C++, without JSON and without Protobuf: each call writes its field's bytes.
//
//   client.allocate(agones::Request("default")
//                       .select(agones::Fleet("blue").label("mode", "ranked"))
//                       .patch_label("map", "canyon"),
//                   [](const agones::Result& result) { ... });
//
// Text is UTF-8; the library refuses what is not, and names the field. Made and read by one thread at a time.
#pragma once

#include <agones/processor_request.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace agones {

namespace detail {

// A message that grows at its end. Fields may come in any order; a message that comes twice is merged.
class Message {
 public:
  const std::string& bytes() const { return bytes_; }

  void text(std::uint32_t field, std::string_view value) {
    write(2 * kLongestVarint + value.size(),
          [&](proc_writer& writer) { proc_put_text_of(&writer, field, value.data(), value.size()); });
  }
  void number(std::uint32_t field, std::int64_t value) {
    write(2 * kLongestVarint, [&](proc_writer& writer) { proc_put_number(&writer, field, value); });
  }
  void message(std::uint32_t field, const Message& value) { text(field, value.bytes_); }
  void wrapped_number(std::uint32_t field, std::int64_t value) {
    Message wrapper;
    wrapper.number(1, value);
    message(field, wrapper);
  }
  void wrapped_text(std::uint32_t field, std::string_view value) {
    Message wrapper;
    wrapper.text(1, value);
    message(field, wrapper);
  }
  void entry(std::uint32_t field, std::string_view key, std::string_view value) {
    Message one;
    one.text(1, key);
    one.text(2, value);
    message(field, one);
  }

 private:
  static constexpr std::size_t kLongestVarint = 10;

  template <typename Write>
  void write(std::size_t most, const Write& write_field) {
    const std::size_t before = bytes_.size();
    bytes_.resize(before + most);
    proc_writer writer = proc_writer_on(bytes_.data() + before, most);
    write_field(writer);
    bytes_.resize(before + static_cast<std::size_t>(writer.size));
  }

  std::string bytes_;
};

}  // namespace detail

enum class Scheduling : std::int32_t {
  kPacked = PROC_SCHEDULING_PACKED,
  kDistributed = PROC_SCHEDULING_DISTRIBUTED,
};

enum class GameServerState : std::int32_t { kReady = PROC_STATE_READY, kAllocated = PROC_STATE_ALLOCATED };

enum class Order : std::int32_t { kAscending = PROC_ORDER_ASCENDING, kDescending = PROC_ORDER_DESCENDING };

// What a counter must hold. A maximum of 0 means none.
struct CounterRange {
  std::int64_t min_count = 0;
  std::int64_t max_count = 0;
  std::int64_t min_available = 0;
  std::int64_t max_available = 0;
};

// What a list must hold.
struct ListRange {
  std::string_view contains;  // a value; empty: any
  std::int64_t min_available = 0;
  std::int64_t max_available = 0;
};

// Which game servers will do: all that it says must be true of one.
class Selector {
 public:
  Selector& label(std::string_view key, std::string_view value) {
    message_.entry(PROC_SELECTOR_MATCH_LABELS, key, value);
    return *this;
  }
  // Default: kReady. kAllocated: one that has been allocated before, to put another session on it.
  Selector& state(GameServerState state) {
    message_.number(PROC_SELECTOR_GAME_SERVER_STATE, static_cast<std::int64_t>(state));
    return *this;
  }
  Selector& counter(std::string_view name, const CounterRange& range) {
    detail::Message value;
    number(value, PROC_COUNTER_SELECTOR_MIN_COUNT, range.min_count);
    number(value, PROC_COUNTER_SELECTOR_MAX_COUNT, range.max_count);
    number(value, PROC_COUNTER_SELECTOR_MIN_AVAILABLE, range.min_available);
    number(value, PROC_COUNTER_SELECTOR_MAX_AVAILABLE, range.max_available);
    message_.entry(PROC_SELECTOR_COUNTERS, name, value.bytes());
    return *this;
  }
  Selector& list(std::string_view name, const ListRange& range) {
    detail::Message value;
    if (!range.contains.empty()) {
      value.text(PROC_LIST_SELECTOR_CONTAINS_VALUE, range.contains);
    }
    number(value, PROC_LIST_SELECTOR_MIN_AVAILABLE, range.min_available);
    number(value, PROC_LIST_SELECTOR_MAX_AVAILABLE, range.max_available);
    message_.entry(PROC_SELECTOR_LISTS, name, value.bytes());
    return *this;
  }
  // A processor before v1.59 ignores these four, so that more game servers match.
  Selector& in(std::string_view key, std::initializer_list<std::string_view> values) {
    return expression(key, PROC_OPERATOR_IN, values);
  }
  Selector& not_in(std::string_view key, std::initializer_list<std::string_view> values) {
    return expression(key, PROC_OPERATOR_NOT_IN, values);
  }
  Selector& exists(std::string_view key) { return expression(key, PROC_OPERATOR_EXISTS, {}); }
  Selector& does_not_exist(std::string_view key) { return expression(key, PROC_OPERATOR_DOES_NOT_EXIST, {}); }

  const detail::Message& message() const { return message_; }

 private:
  static void number(detail::Message& value, std::uint32_t field, std::int64_t number) {
    if (number != 0) {
      value.number(field, number);
    }
  }
  Selector& expression(std::string_view key, proc_operator op, std::initializer_list<std::string_view> values) {
    detail::Message expression;
    expression.text(PROC_EXPRESSION_KEY, key);
    expression.number(PROC_EXPRESSION_OPERATOR, op);
    for (const std::string_view value : values) {
      expression.text(PROC_EXPRESSION_VALUES, value);
    }
    message_.message(PROC_SELECTOR_MATCH_EXPRESSIONS, expression);
    return *this;
  }

  detail::Message message_;
};

// The game servers of a fleet.
inline Selector Fleet(std::string_view name) {
  return Selector().label("agones.dev/fleet", name);
}

// What an allocation does to a counter of the game server.
class CounterAction {
 public:
  static CounterAction increment(std::int64_t amount) { return CounterAction("Increment", amount); }
  static CounterAction decrement(std::int64_t amount) { return CounterAction("Decrement", amount); }
  CounterAction() = default;
  CounterAction& capacity(std::int64_t capacity) {
    message_.wrapped_number(PROC_COUNTER_ACTION_CAPACITY, capacity);
    return *this;
  }
  const detail::Message& message() const { return message_; }

 private:
  CounterAction(std::string_view action, std::int64_t amount) {
    message_.wrapped_text(PROC_COUNTER_ACTION_ACTION, action);
    message_.wrapped_number(PROC_COUNTER_ACTION_AMOUNT, amount);
  }

  detail::Message message_;
};

// What an allocation does to a list of the game server.
class ListAction {
 public:
  ListAction& add(std::string_view value) {
    message_.text(PROC_LIST_ACTION_ADD_VALUES, value);
    return *this;
  }
  ListAction& remove(std::string_view value) {
    message_.text(PROC_LIST_ACTION_DELETE_VALUES, value);
    return *this;
  }
  ListAction& capacity(std::int64_t capacity) {
    message_.wrapped_number(PROC_LIST_ACTION_CAPACITY, capacity);
    return *this;
  }
  const detail::Message& message() const { return message_; }

 private:
  detail::Message message_;
};

// Which of the game servers that will do comes first.
class Priority {
 public:
  static Priority counter(std::string_view name, Order order = Order::kAscending) {
    return {PROC_PRIORITY_TYPE_COUNTER, name, order};
  }
  static Priority list(std::string_view name, Order order = Order::kAscending) {
    return {PROC_PRIORITY_TYPE_LIST, name, order};
  }
  const detail::Message& message() const { return message_; }

 private:
  Priority(proc_priority_type type, std::string_view name, Order order) {
    message_.number(PROC_PRIORITY_TYPE, type);
    message_.text(PROC_PRIORITY_KEY, name);
    message_.number(PROC_PRIORITY_ORDER, static_cast<std::int64_t>(order));
  }

  detail::Message message_;
};

class Request {
 public:
  explicit Request(std::string_view namespace_name) { message_.text(PROC_REQUEST_NAMESPACE, namespace_name); }

  // Selectors are tried in their order. None: any game server of the namespace.
  Request& select(const Selector& selector) { return add(PROC_REQUEST_GAME_SERVER_SELECTORS, selector.message()); }
  // Priorities are looked at in their order.
  Request& prioritise(const Priority& priority) { return add(PROC_REQUEST_PRIORITIES, priority.message()); }
  Request& scheduling(Scheduling scheduling) {
    message_.number(PROC_REQUEST_SCHEDULING, static_cast<std::int64_t>(scheduling));
    return *this;
  }

  // Put on the game server.
  Request& patch_label(std::string_view key, std::string_view value) {
    return metadata(PROC_REQUEST_METADATA, PROC_METADATA_LABELS, key, value);
  }
  Request& patch_annotation(std::string_view key, std::string_view value) {
    return metadata(PROC_REQUEST_METADATA, PROC_METADATA_ANNOTATIONS, key, value);
  }
  Request& counter(std::string_view name, const CounterAction& action) {
    message_.entry(PROC_REQUEST_COUNTERS, name, action.message().bytes());
    return *this;
  }
  Request& list(std::string_view name, const ListAction& action) {
    message_.entry(PROC_REQUEST_LISTS, name, action.message().bytes());
    return *this;
  }

  // Asks the clusters that GameServerAllocationPolicies with these labels name.
  Request& multi_cluster(std::initializer_list<std::pair<std::string_view, std::string_view>> policy_labels) {
    detail::Message setting;
    setting.number(PROC_MULTI_CLUSTER_ENABLED, 1);
    detail::Message policies;
    for (const auto& [key, value] : policy_labels) {
      policies.entry(PROC_LABEL_SELECTOR_MATCH_LABELS, key, value);
    }
    setting.message(PROC_MULTI_CLUSTER_POLICY_SELECTOR, policies);
    return add(PROC_REQUEST_MULTI_CLUSTER_SETTING, setting);
  }

  // Agones calls these deprecated: select() and patch_label() are their successors.
  Request& required(const Selector& selector) {
    return add(PROC_REQUEST_REQUIRED_GAME_SERVER_SELECTOR, selector.message());
  }
  Request& preferred(const Selector& selector) {
    return add(PROC_REQUEST_PREFERRED_GAME_SERVER_SELECTORS, selector.message());
  }
  Request& meta_patch_label(std::string_view key, std::string_view value) {
    return metadata(PROC_REQUEST_META_PATCH, PROC_METADATA_LABELS, key, value);
  }
  Request& meta_patch_annotation(std::string_view key, std::string_view value) {
    return metadata(PROC_REQUEST_META_PATCH, PROC_METADATA_ANNOTATIONS, key, value);
  }

  // The serialized allocation.AllocationRequest.
  const std::string& bytes() const { return message_.bytes(); }

 private:
  Request& add(std::uint32_t field, const detail::Message& value) {
    message_.message(field, value);
    return *this;
  }
  Request& metadata(std::uint32_t field, std::uint32_t texts, std::string_view key, std::string_view value) {
    detail::Message patch;
    patch.entry(texts, key, value);
    return add(field, patch);
  }

  detail::Message message_;
};

}  // namespace agones
