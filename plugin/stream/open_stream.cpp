// SPDX-License-Identifier: Apache-2.0
#include "stream/open_stream.h"

#include <utility>

#include "wire/message.h"

namespace agones::plugin {

namespace {

constexpr char kStreamBatches[] = "/allocation.Processor/StreamBatches";

}  // namespace

OpenStream::OpenStream(std::uint64_t number, std::string target, const std::shared_ptr<grpc::Channel>& channel,
                       const LinkConfig& config, grpc::CompletionQueue& queue, Owner& owner, TimePoint now)
    : number_(number),
      target_(std::move(target)),
      id_(config.client_id + "." + std::to_string(number)),
      owner_(owner),
      watchdog_(config.pull_timeout, config.answer_timeout),
      call_(std::make_unique<BidiCall>(channel, kStreamBatches, queue, *this)) {
  watchdog_.opened(now);
}

void OpenStream::register_once() {
  if (!registered_ && call_->can_write()) {
    call_->write(encode_registration(id_));
    registered_ = true;
  }
}

void OpenStream::write_batch(std::string bytes, TimePoint now) {
  call_->write(std::move(bytes));
  watchdog_.sent(now);
}

}  // namespace agones::plugin
