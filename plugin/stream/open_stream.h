// SPDX-License-Identifier: Apache-2.0
// One of the streams that batches are sent on: registers, and is watched. The link owns it and hears of everything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "stream/bidi_call.h"
#include "stream/link_config.h"
#include "stream/stream_watchdog.h"

namespace agones::plugin {

class OpenStream : public BidiCall::Listener {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // The stream may be destroyed in both.
    virtual void on_stream_message(OpenStream& stream, std::string bytes) = 0;
    virtual void on_stream_closed(OpenStream& stream, const grpc::Status& status) = 0;
  };

  // Starts the call on a channel to `target`.
  OpenStream(std::uint64_t number, std::string target, const std::shared_ptr<grpc::Channel>& channel,
             const LinkConfig& config, grpc::CompletionQueue& queue, Owner& owner, TimePoint now);

  std::uint64_t number() const { return number_; }
  const std::string& target() const { return target_; }
  // What it registers as: an id of its own, since the processor forgets an id when any stream of it ends (H1).
  const std::string& id() const { return id_; }
  StreamWatchdog& watchdog() { return watchdog_; }
  const StreamWatchdog& watchdog() const { return watchdog_; }

  // As soon as it can.
  void register_once();
  bool can_take_batch() const { return registered_ && call_->can_write(); }
  void write_batch(std::string bytes, TimePoint now);
  // The end of the object: the call outlives it.
  std::unique_ptr<BidiCall> release() { return std::move(call_); }

 private:
  void on_message(std::string bytes) override { owner_.on_stream_message(*this, std::move(bytes)); }
  void on_closed(const grpc::Status& status) override { owner_.on_stream_closed(*this, status); }

  const std::uint64_t number_;
  const std::string target_;
  const std::string id_;
  Owner& owner_;
  StreamWatchdog watchdog_;
  bool registered_ = false;
  std::unique_ptr<BidiCall> call_;
};

}  // namespace agones::plugin
