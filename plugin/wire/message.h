// SPDX-License-Identifier: Apache-2.0
// The messages of the stream as bytes: allocation.ProcessorMessage written and read without building
// message objects. An encoded request is spliced in as it is; an answer stays where it was received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agones::plugin {

// The client's first message: its id and no payload.
std::string encode_registration(std::string_view client_id);

// How request and batch ids are written on the wire. Hexadecimal: short, and readable in the
// processor's log.
std::string encode_id(std::uint64_t id);
// 0 if the text is not such an id.
std::uint64_t decode_id(std::string_view text);

// A batch message under construction: sizes first, so that everything is written once.
class BatchEncoder {
 public:
  // What one request adds to a batch at most, beside its own bytes.
  static constexpr std::size_t kRequestOverhead = 32;
  // What a batch message has at most beside its requests and the client id.
  static constexpr std::size_t kMessageOverhead = 64;

  static std::size_t wrapped_size(std::uint64_t request_id, std::size_t encoded_size);

  // `requests_size`: the sum of wrapped_size over all requests that will be added.
  BatchEncoder(std::string_view client_id, std::uint64_t batch_id, std::size_t requests_size);
  void add(std::uint64_t request_id, std::string_view encoded_request);
  std::string take();

 private:
  std::string bytes_;
};

// One answered request; the views point into the message it was read from.
struct Answer {
  enum class Kind : std::uint8_t { kResponse, kError, kEmpty };
  std::uint64_t request_id = 0;  // 0: not an id of ours
  std::string_view request_id_text;
  Kind kind = Kind::kEmpty;
  std::string_view payload;  // kResponse: AllocationResponse; kError: the error message's text
  std::int32_t code = 0;     // kError
};

struct IncomingMessage {
  enum class Kind : std::uint8_t { kNone, kPull, kBatchResponse };
  Kind kind = Kind::kNone;
  std::uint64_t batch_id = 0;  // kBatchResponse; 0: not an id of ours
  std::vector<Answer> answers;
};

// Reads a whole message, checked down to the fields that events show, so that showing them takes little time and memory
// whatever the processor sends. Null, or what is wrong with it: then what was read until there is not to be used.
const char* decode_message(std::string_view bytes, std::size_t max_answers, IncomingMessage& message);

}  // namespace agones::plugin
