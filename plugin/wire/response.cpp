// SPDX-License-Identifier: Apache-2.0
#include "wire/response.h"

#include "wire/reader.h"

namespace agones::plugin {

namespace {

// Field numbers of the contract (proto/allocation/allocation.proto).
constexpr std::uint32_t kGameServerName = 2;
constexpr std::uint32_t kPorts = 3;
constexpr std::uint32_t kAddress = 4;
constexpr std::uint32_t kNodeName = 5;
constexpr std::uint32_t kSource = 6;
constexpr std::uint32_t kAddresses = 8;
constexpr std::uint32_t kPortName = 1;
constexpr std::uint32_t kPortNumber = 2;
constexpr std::uint32_t kAddressType = 1;
constexpr std::uint32_t kAddressAddress = 2;

proc_port read_port(std::string_view bytes) {
  proc_port port{};
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == kPortName && field.type == WireType::kBytes) {
      port.name = to_text(field.bytes);
    } else if (field.number == kPortNumber && field.type == WireType::kVarint) {
      port.port = static_cast<std::int32_t>(field.varint);
    }
  }
  return port;
}

proc_address read_address(std::string_view bytes) {
  proc_address address{};
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == kAddressType && field.type == WireType::kBytes) {
      address.type = to_text(field.bytes);
    } else if (field.number == kAddressAddress && field.type == WireType::kBytes) {
      address.address = to_text(field.bytes);
    }
  }
  return address;
}

}  // namespace

proc_text to_text(std::string_view text) {
  return {text.data(), text.size()};
}

bool has_game_server(std::string_view response) {
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.number == kGameServerName && field.type == WireType::kBytes && !field.bytes.empty()) {
      return true;
    }
  }
  return false;
}

void read_response(std::string_view response, proc_event& event, std::vector<proc_port>& ports,
                   std::vector<proc_address>& addresses) {
  event.response = {response.data(), response.size()};
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.type != WireType::kBytes) {
      continue;
    }
    switch (field.number) {
      case kGameServerName:
        event.game_server_name = to_text(field.bytes);
        break;
      case kPorts:
        ports.push_back(read_port(field.bytes));
        ++event.port_count;
        break;
      case kAddress:
        event.address = to_text(field.bytes);
        break;
      case kNodeName:
        event.node_name = to_text(field.bytes);
        break;
      case kSource:
        event.source = to_text(field.bytes);
        break;
      case kAddresses:
        addresses.push_back(read_address(field.bytes));
        ++event.address_count;
        break;
      default:
        break;
    }
  }
}

}  // namespace agones::plugin
