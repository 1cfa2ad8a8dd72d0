// SPDX-License-Identifier: Apache-2.0
// JSON requests: no crash; what is accepted is a request that the protobuf check accepts as well, and the message that
// Protobuf's own reader makes of the text, where that accepts it.
#include <allocation/allocation.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

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
         MessageDifferencer::Equals(message, theirs));
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
