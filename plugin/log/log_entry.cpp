// SPDX-License-Identifier: Apache-2.0
#include "log/log_entry.h"

namespace agones::plugin {

namespace {

struct Kind {
  const char* name;
  const char* channel;
};

constexpr Kind kKinds[kLogKinds] = {
    {"stream_opened", "stream"},   {"connection_failed", "stream"},
    {"batch_sent", "stream"},      {"request_ended", "session"},
    {"held_back", "engine"},       {"answer_incomplete", "engine"},
    {"second_answer", "engine"},   {"unknown_answer", "engine"},
    {"callback_threw", "session"}, {"grpc", "grpc"},
    {"summary", "session"},        {"unknown_field", "session"},
};

}  // namespace

const char* name_of(LogKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].name;
}

const char* channel_of(LogKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].channel;
}

}  // namespace agones::plugin
