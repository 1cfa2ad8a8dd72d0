// SPDX-License-Identifier: Apache-2.0
#include "wire/response.h"

#include "text/utf8.h"
#include "wire/field_numbers.h"
#include "wire/reader.h"

namespace agones::plugin {

namespace {

namespace answer = field_number::allocation_response;
namespace port = field_number::game_server_status_port;
namespace address = field_number::game_server_status_address;

// Of the message itself, its ports and addresses; and of what lies in metadata, counters and lists. JSON costs up to 200
// bytes a field.
constexpr std::size_t kMostFields = 16'384;
constexpr std::size_t kMostDetails = 65'536;
constexpr std::size_t kLongestText = 65'536;

bool is_shown_text(std::uint32_t number) {
  return number == answer::kGameServerName || number == answer::kAddress || number == answer::kNodeName ||
         number == answer::kSource;
}

bool is_shown_message(std::uint32_t number) {
  return number == answer::kPorts || number == answer::kAddresses;
}

// `is_part`: a port or an address, in which every text is shown. `fields`: so many may still come.
const char* check(std::string_view bytes, bool is_part, std::size_t& fields) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (fields-- == 0) {
      return "an answer of more than 16384 fields";
    }
    if (field.type != WireType::kBytes) {
      continue;
    }
    if (!is_part && is_shown_message(field.number)) {
      if (const char* problem = check(field.bytes, true, fields)) {
        return problem;
      }
    } else if ((is_part || is_shown_text(field.number)) && field.bytes.size() > kLongestText) {
      return "an answer with a name or address of more than 65536 bytes";
    }
  }
  return reader.ok() ? nullptr : "malformed message";
}

// A message of which events show nothing, and the messages in it by their numbers, 1 and 2.
struct Detail {
  const Detail* first = nullptr;
  const Detail* second = nullptr;

  const Detail* of(std::uint32_t number) const { return number == 1 ? first : number == 2 ? second : nullptr; }
};
constexpr Detail kFlat;  // texts and numbers alone
constexpr Detail kMetadataDetail{&kFlat, &kFlat};
constexpr Detail kCounter{&kFlat, &kFlat};
constexpr Detail kCounterEntry{nullptr, &kCounter};
constexpr Detail kList{nullptr, &kFlat};
constexpr Detail kListEntry{nullptr, &kList};

const Detail* detail_of(std::uint32_t number) {
  switch (number) {
    case answer::kMetadata:
      return &kMetadataDetail;
    case answer::kCounters:
      return &kCounterEntry;
    case answer::kLists:
      return &kListEntry;
    default:
      return nullptr;
  }
}

// Whether it has no more than `fields`, which are counted down. What is malformed is read until there.
bool has_at_most(std::string_view bytes, const Detail& detail, std::size_t& fields) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (fields-- == 0) {
      return false;
    }
    const Detail* inner = field.type == WireType::kBytes ? detail.of(field.number) : nullptr;
    if (inner != nullptr && !has_at_most(field.bytes, *inner, fields)) {
      return false;
    }
  }
  return true;
}

const char* check_details(std::string_view response) {
  std::size_t fields = kMostDetails;
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    const Detail* detail = field.type == WireType::kBytes ? detail_of(field.number) : nullptr;
    if (detail != nullptr && !has_at_most(field.bytes, *detail, fields)) {
      return "an answer whose metadata, counters and lists have more than 65536 fields";
    }
  }
  return nullptr;
}

proc_port read_port(std::string_view bytes, ResponseParts& parts) {
  proc_port read{};
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == port::kName && field.type == WireType::kBytes) {
      read.name = to_clean_text(field.bytes, parts);
    } else if (field.number == port::kPort && field.type == WireType::kVarint) {
      read.port = static_cast<std::int32_t>(field.varint);
    }
  }
  return read;
}

proc_address read_address(std::string_view bytes, ResponseParts& parts) {
  proc_address read{};
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == address::kType && field.type == WireType::kBytes) {
      read.type = to_clean_text(field.bytes, parts);
    } else if (field.number == address::kAddress && field.type == WireType::kBytes) {
      read.address = to_clean_text(field.bytes, parts);
    }
  }
  return read;
}

}  // namespace

proc_text to_text(std::string_view text) {
  return {text.data(), text.size()};
}

proc_text to_clean_text(std::string_view text, ResponseParts& parts) {
  return to_text(is_utf8(text) ? text : parts.cleaned.emplace_front(to_utf8(text)));
}

bool has_game_server(std::string_view response) {
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.number == answer::kGameServerName && field.type == WireType::kBytes && !field.bytes.empty()) {
      return true;
    }
  }
  return false;
}

const char* check_response(std::string_view response) {
  std::size_t fields = kMostFields;
  const char* problem = check(response, false, fields);
  return problem != nullptr ? problem : check_details(response);
}

void ResponseParts::clear() {
  ports.clear();
  addresses.clear();
  fields.clear();
  cleaned.clear();
}

void read_response(std::string_view response, proc_event& event, ResponseParts& parts) {
  event.response = {response.data(), response.size()};
  Reader reader(response);
  Field field;
  while (reader.next(field)) {
    if (field.type != WireType::kBytes) {
      continue;
    }
    switch (field.number) {
      case answer::kGameServerName:
        event.game_server_name = to_clean_text(field.bytes, parts);
        break;
      case answer::kPorts:
        parts.ports.push_back(read_port(field.bytes, parts));
        break;
      case answer::kAddress:
        event.address = to_clean_text(field.bytes, parts);
        break;
      case answer::kNodeName:
        event.node_name = to_clean_text(field.bytes, parts);
        break;
      case answer::kSource:
        event.source = to_clean_text(field.bytes, parts);
        break;
      case answer::kAddresses:
        parts.addresses.push_back(read_address(field.bytes, parts));
        break;
      default:
        break;
    }
  }
  event.ports = parts.ports.data();
  event.port_count = parts.ports.size();
  event.addresses = parts.addresses.data();
  event.address_count = parts.addresses.size();
}

}  // namespace agones::plugin
