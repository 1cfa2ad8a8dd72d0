// SPDX-License-Identifier: Apache-2.0
// An allocation.AllocationResponse, read where it lies, without Protobuf: what GameServer::response and
// proc_event.response hold. Texts are views of these bytes, as the processor sent them; a field is looked for when it is
// asked for. Of bytes that are no such message, what comes before the fault is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace agones {

namespace detail {

// The fields of one message, from front to back.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // False at the end and at a fault.
  bool next() {
    std::uint64_t tag = 0;
    if (rest_.empty() || !varint(tag)) {
      return false;
    }
    field_ = tag >> 3U;
    text_ = {};
    number_ = 0;
    switch (tag & 7U) {
      case 0:
        return varint(number_);
      case 1:
        return take(8);
      case 2: {
        std::uint64_t size = 0;
        return varint(size) && take(size);
      }
      case 5:
        return take(4);
      default:
        return false;
    }
  }
  bool is(std::uint64_t field) const { return field_ == field; }
  std::uint64_t field() const { return field_; }
  std::int64_t number() const { return static_cast<std::int64_t>(number_); }
  std::string_view text() const { return text_; }

 private:
  bool varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) {
        return true;
      }
    }
    return false;
  }
  bool take(std::uint64_t size) {
    if (size > rest_.size()) {
      return false;
    }
    text_ = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(text_.size());
    return true;
  }

  std::string_view rest_;
  std::uint64_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view text_;
};

}  // namespace detail

class Response {
 public:
  struct Port {
    std::string_view name;
    std::int32_t port = 0;
  };
  struct Address {
    std::string_view type;  // as Kubernetes names it: InternalIP, ExternalIP, Hostname, PodIP ...
    std::string_view address;
  };
  struct Counter {
    std::int64_t count = 0;
    std::int64_t capacity = 0;
  };
  struct List {
    std::vector<std::string_view> values;
    std::int64_t capacity = 0;
  };
  using Texts = std::map<std::string_view, std::string_view>;

  // The bytes must outlive it.
  explicit Response(std::string_view bytes) : bytes_(bytes) {}

  std::string_view game_server_name() const { return last_text(kGameServerName); }
  std::string_view address() const { return last_text(kAddress); }
  std::string_view node_name() const { return last_text(kNodeName); }
  // The cluster that allocated it; "local" for the processor's own.
  std::string_view source() const { return last_text(kSource); }

  std::vector<Port> ports() const {
    std::vector<Port> ports;
    for (detail::Fields all(bytes_); all.next();) {
      if (all.is(kPorts)) {
        Port& port = ports.emplace_back();
        for (detail::Fields part(all.text()); part.next();) {
          if (part.is(1)) {
            port.name = part.text();
          } else if (part.is(2)) {
            port.port = static_cast<std::int32_t>(part.number());
          }
        }
      }
    }
    return ports;
  }

  std::vector<Address> addresses() const {
    std::vector<Address> addresses;
    for (detail::Fields all(bytes_); all.next();) {
      if (all.is(kAddresses)) {
        const auto [type, address] = pair(all.text());
        addresses.push_back({type, address});
      }
    }
    return addresses;
  }

  // Of the game server, after the allocation.
  Texts labels() const { return metadata(1); }
  Texts annotations() const { return metadata(2); }

  std::map<std::string_view, Counter> counters() const {
    std::map<std::string_view, Counter> counters;
    for (detail::Fields all(bytes_); all.next();) {
      if (all.is(kCounters)) {
        const auto [name, value] = pair(all.text());
        Counter counter;
        for (detail::Fields part(value); part.next();) {
          if (part.is(1)) {
            counter.count = unwrapped(part.text());
          } else if (part.is(2)) {
            counter.capacity = unwrapped(part.text());
          }
        }
        counters[name] = counter;
      }
    }
    return counters;
  }

  std::map<std::string_view, List> lists() const {
    std::map<std::string_view, List> lists;
    for (detail::Fields all(bytes_); all.next();) {
      if (all.is(kLists)) {
        const auto [name, value] = pair(all.text());
        List list;
        for (detail::Fields part(value); part.next();) {
          if (part.is(1)) {
            list.values.push_back(part.text());
          } else if (part.is(2)) {
            list.capacity = unwrapped(part.text());
          }
        }
        lists[name] = list;
      }
    }
    return lists;
  }

 private:
  // Generated by proto/generate from proto/: change that, and run it again.
  static constexpr std::uint64_t kGameServerName = 2;
  static constexpr std::uint64_t kPorts = 3;
  static constexpr std::uint64_t kAddress = 4;
  static constexpr std::uint64_t kNodeName = 5;
  static constexpr std::uint64_t kSource = 6;
  static constexpr std::uint64_t kMetadata = 7;
  static constexpr std::uint64_t kAddresses = 8;
  static constexpr std::uint64_t kCounters = 9;
  static constexpr std::uint64_t kLists = 10;
  // End of what is generated.

  std::string_view last_text(std::uint64_t field) const {
    std::string_view last;
    for (detail::Fields all(bytes_); all.next();) {
      if (all.is(field)) {
        last = all.text();
      }
    }
    return last;
  }

  // The texts of fields 1 and 2: of an entry of a map, key and value.
  static std::pair<std::string_view, std::string_view> pair(std::string_view message) {
    std::pair<std::string_view, std::string_view> both;
    for (detail::Fields part(message); part.next();) {
      if (part.is(1)) {
        both.first = part.text();
      } else if (part.is(2)) {
        both.second = part.text();
      }
    }
    return both;
  }

  static std::int64_t unwrapped(std::string_view wrapper) {
    std::int64_t value = 0;
    for (detail::Fields part(wrapper); part.next();) {
      if (part.is(1)) {
        value = part.number();
      }
    }
    return value;
  }

  Texts metadata(std::uint64_t field) const {
    Texts texts;
    for (detail::Fields all(bytes_); all.next();) {
      if (!all.is(kMetadata)) {
        continue;
      }
      for (detail::Fields part(all.text()); part.next();) {
        if (part.is(field)) {
          const auto [key, value] = pair(part.text());
          texts[key] = value;
        }
      }
    }
    return texts;
  }

  std::string_view bytes_;
};

}  // namespace agones
