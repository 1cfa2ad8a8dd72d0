// SPDX-License-Identifier: Apache-2.0
#include "stream/late_stream.h"

#include <utility>

namespace agones::plugin {

LateStream::LateStream(std::unique_ptr<BidiCall> call, std::uint64_t number, TimePoint until, Engine& engine)
    : call_(std::move(call)), number_(number), until_(until), engine_(engine) {
  call_->listen(*this);
}

std::unique_ptr<BidiCall> LateStream::close() {
  engine_.late_stream_closed(number_);
  return std::move(call_);
}

void LateStream::on_message(std::string bytes) {
  closed_ = !engine_.receive_late(number_, std::move(bytes), std::chrono::steady_clock::now()) || closed_;
}

void LateStream::on_closed(const grpc::Status& /*status*/) {
  closed_ = true;
}

}  // namespace agones::plugin
