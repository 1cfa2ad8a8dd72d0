// SPDX-License-Identifier: Apache-2.0
#include "stream/bidi_call.h"

#include <utility>
#include <vector>

namespace agones::plugin {

namespace {

// Called by gRPC, on whichever of its threads lets go of the slice last.
void release_message(void* message) {
  delete static_cast<std::string*>(message);
}

// A slice that takes the string over instead of copying it.
grpc::Slice to_slice(std::string bytes) {
  auto owned = std::make_unique<std::string>(std::move(bytes));
  grpc::Slice slice(owned->data(), owned->size(), release_message, owned.get());
  static_cast<void>(owned.release());  // the slice's
  return slice;
}

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (buffer.Dump(&slices).ok()) {
    bytes.reserve(buffer.Length());
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return bytes;
}

}  // namespace

BidiCall::BidiCall(const std::shared_ptr<grpc::Channel>& channel, const char* method, grpc::CompletionQueue& queue,
                   Listener& listener)
    : stub_(channel), stream_(stub_.PrepareCall(&context_, method, &queue)), listener_(&listener) {
  begin([this] { stream_->StartCall(&start_tag_); });
}

template <typename Start>
void BidiCall::begin(const Start& start) {
  ++pending_;
  try {
    start();
  } catch (...) {
    --pending_;
    throw;
  }
}

void BidiCall::write(std::string bytes) {
  start_write(std::move(bytes), grpc::WriteOptions());
}

void BidiCall::write_last(std::string bytes) {
  start_write(std::move(bytes), grpc::WriteOptions().set_last_message());
  last_said_ = true;
}

void BidiCall::start_write(std::string bytes, grpc::WriteOptions options) {
  const grpc::Slice slice = to_slice(std::move(bytes));
  begin([&] { stream_->Write(grpc::ByteBuffer(&slice, 1), options, &write_tag_); });
  writing_ = true;
}

void BidiCall::end(TimePoint cancel_at) noexcept {
  listener_ = nullptr;
  if (finishing_) {
    return;
  }
  if (!started_ || last_said_) {
    cancel();
    return;
  }
  ending_ = true;
  cancel_at_ = cancel_at;
  if (!writing_) {
    say_last();
  }
}

void BidiCall::say_last() noexcept {
  try {
    begin([this] { stream_->WritesDone(&write_tag_); });
    writing_ = true;
    last_said_ = true;
  } catch (...) {
    cancel();
  }
}

void BidiCall::cancel() noexcept {
  listener_ = nullptr;
  cancel_at_ = TimePoint::max();
  context_.TryCancel();
}

TimePoint BidiCall::cancel_if_due(TimePoint now) noexcept {
  if (now >= cancel_at_) {
    cancel();
  }
  return cancel_at_;
}

void BidiCall::started(bool ok) {
  if (!ok) {
    finish();
    return;
  }
  started_ = true;
  read();
}

void BidiCall::read() {
  begin([this] { stream_->Read(&incoming_, &read_tag_); });
}

void BidiCall::received(bool ok) {
  if (!ok) {
    finish();
    return;
  }
  // Whatever becomes of the message, the next read tells of the call's end.
  try {
    if (listener_ != nullptr) {
      listener_->on_message(to_string(incoming_));
    }
  } catch (...) {
    incoming_.Clear();
    read();
    throw;
  }
  incoming_.Clear();
  read();
}

// A failed write needs no handling of its own: the read that is always under way fails as well.
void BidiCall::written(bool /*ok*/) {
  writing_ = false;
  if (ending_ && !last_said_ && !finishing_) {
    say_last();
  }
}

void BidiCall::finish() {
  finishing_ = true;
  try {
    begin([this] { stream_->Finish(&status_, &finish_tag_); });
  } catch (...) {
    finished_ = true;
    throw;
  }
}

void BidiCall::finished(bool /*ok*/) {
  finished_ = true;
  if (listener_ != nullptr) {
    std::exchange(listener_, nullptr)->on_closed(status_);
  }
}

}  // namespace agones::plugin
