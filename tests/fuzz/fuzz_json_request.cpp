// SPDX-License-Identifier: Apache-2.0
// JSON requests: no crash; what is accepted is a request that the protobuf check accepts as well, and the message that
// Protobuf's own reader makes of the text, where that accepts it.
#include <allocation/allocation.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "request/json_message.h"
#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "request/schema.h"

namespace {

using google::protobuf::util::MessageDifferencer;

void expect(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// Protobuf's own reader takes a number with a point or an exponent through a double, which is exact up to 2^53; ours is exact.
bool is_rounded_by_protobuf(const std::string& json) {
  constexpr const char* kOfNumbers = "+-.0123456789eE";
  constexpr double kExactUpTo = 9007199254740992.0;
  for (std::size_t start = json.find_first_of(kOfNumbers); start != std::string::npos;) {
    const std::size_t end = std::min(json.find_first_not_of(kOfNumbers, start), json.size());
    const std::string number = json.substr(start, end - start);
    if (number.find_first_of(".eE") != std::string::npos &&
        std::fabs(std::strtod(number.c_str(), nullptr)) >= kExactUpTo) {
      return true;
    }
    start = json.find_first_of(kOfNumbers, end);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string json(reinterpret_cast<const char*>(data), size);
  const agones::plugin::JsonRequest request(json);
  if (!request.problem().empty()) {
    return 0;
  }
  const std::string bytes(request.bytes());
  expect(agones::plugin::check_protobuf_request(bytes).ok());
  allocation::AllocationRequest message;
  expect(message.ParseFromString(bytes));
  allocation::AllocationRequest theirs;
  expect(!google::protobuf::util::JsonStringToMessage(json, &theirs).ok() ||
         MessageDifferencer::Equals(message, theirs) || is_rounded_by_protobuf(json));
  // And back.
  agones::plugin::JsonText text;
  expect(agones::plugin::is_message(bytes, agones::plugin::allocation_request_schema()));
  agones::plugin::write_message(bytes, agones::plugin::allocation_request_schema(), text);
  const agones::plugin::JsonRequest again(text.view());
  allocation::AllocationRequest read_again;
  expect(again.problem().empty() && read_again.ParseFromString(std::string(again.bytes())) &&
         MessageDifferencer::Equals(message, read_again));
  return 0;
}
