// SPDX-License-Identifier: Apache-2.0
#include "wire/message.h"

#include <charconv>

#include "wire/field_numbers.h"
#include "wire/reader.h"
#include "wire/response.h"
#include "wire/writer.h"

namespace agones::plugin {

namespace {

namespace stream = field_number::processor_message;
namespace sent = field_number::batch_request;
namespace sent_item = field_number::request_wrapper;
namespace got = field_number::batch_response;
namespace got_item = field_number::response_wrapper;
namespace status = field_number::status;

struct IdText {
  explicit IdText(std::uint64_t id)
      : size(static_cast<std::size_t>(std::to_chars(digits, digits + sizeof(digits), id, 16).ptr - digits)) {}
  std::string_view view() const { return {digits, size}; }
  char digits[16];
  std::size_t size;
};

constexpr char kMalformed[] = "malformed message";
constexpr char kTooManyAnswers[] = "more answers than a batch has requests";

bool decode_status(std::string_view bytes, Answer& answer) {
  Reader reader(bytes);
  Field field;
  answer.payload = {};
  while (reader.next(field)) {
    if (field.number == status::kCode && field.type == WireType::kVarint) {
      answer.code = static_cast<std::int32_t>(field.varint);
    } else if (field.number == status::kMessage && field.type == WireType::kBytes) {
      answer.payload = field.bytes;
    }
  }
  return reader.ok();
}

const char* decode_wrapper(std::string_view bytes, Answer& answer) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.type != WireType::kBytes) {
      continue;
    }
    if (field.number == got_item::kRequestId) {
      answer.request_id_text = field.bytes;
      answer.request_id = decode_id(field.bytes);
    } else if (field.number == got_item::kResponse) {
      if (const char* problem = check_response(field.bytes)) {
        return problem;
      }
      answer.kind = Answer::Kind::kResponse;
      answer.payload = field.bytes;
    } else if (field.number == got_item::kError) {
      if (!decode_status(field.bytes, answer)) {
        return kMalformed;
      }
      answer.kind = Answer::Kind::kError;
    }
  }
  return reader.ok() ? nullptr : kMalformed;
}

const char* decode_batch_response(std::string_view bytes, std::size_t max_answers, IncomingMessage& message) {
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.type != WireType::kBytes) {
      continue;
    }
    if (field.number == got::kBatchId) {
      message.batch_id = decode_id(field.bytes);
    } else if (field.number == got::kResponses) {
      if (message.answers.size() == max_answers) {
        return kTooManyAnswers;
      }
      if (const char* problem = decode_wrapper(field.bytes, message.answers.emplace_back())) {
        return problem;
      }
    }
  }
  return reader.ok() ? nullptr : kMalformed;
}

}  // namespace

std::string encode_registration(std::string_view client_id) {
  std::string bytes;
  append_bytes_field(bytes, stream::kClientId, client_id);
  return bytes;
}

std::string encode_id(std::uint64_t id) {
  return std::string(IdText(id).view());
}

std::uint64_t decode_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  // Only the spelling that encode_id writes is one of ours.
  const bool ours = error == std::errc() && end == text.data() + text.size() && IdText(id).view() == text;
  return ours ? id : 0;
}

std::size_t BatchEncoder::wrapped_size(std::uint64_t request_id, std::size_t encoded_size) {
  const std::size_t wrapper = bytes_field_size(IdText(request_id).size) + bytes_field_size(encoded_size);
  return bytes_field_size(wrapper);
}

BatchEncoder::BatchEncoder(std::string_view client_id, std::uint64_t batch_id, std::size_t requests_size) {
  const IdText id(batch_id);
  const std::size_t batch_size = bytes_field_size(id.size) + requests_size;
  bytes_.reserve(bytes_field_size(client_id.size()) + bytes_field_size(batch_size));
  append_bytes_field(bytes_, stream::kClientId, client_id);
  append_bytes_tag(bytes_, stream::kBatchRequest, batch_size);
  append_bytes_field(bytes_, sent::kBatchId, id.view());
}

void BatchEncoder::add(std::uint64_t request_id, std::string_view encoded_request) {
  const IdText id(request_id);
  append_bytes_tag(bytes_, sent::kRequests, bytes_field_size(id.size) + bytes_field_size(encoded_request.size()));
  append_bytes_field(bytes_, sent_item::kRequestId, id.view());
  append_bytes_field(bytes_, sent_item::kRequest, encoded_request);
}

std::string BatchEncoder::take() {
  return std::move(bytes_);
}

const char* decode_message(std::string_view bytes, std::size_t max_answers, IncomingMessage& message) {
  message.kind = IncomingMessage::Kind::kNone;
  message.batch_id = 0;
  message.answers.clear();
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == stream::kPull && field.type == WireType::kBytes) {
      message.kind = IncomingMessage::Kind::kPull;
    } else if (field.number == stream::kBatchResponse && field.type == WireType::kBytes) {
      message.kind = IncomingMessage::Kind::kBatchResponse;
      if (const char* problem = decode_batch_response(field.bytes, max_answers, message)) {
        return problem;
      }
    }
  }
  return reader.ok() ? nullptr : kMalformed;
}

}  // namespace agones::plugin
