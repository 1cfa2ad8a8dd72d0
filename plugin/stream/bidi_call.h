// SPDX-License-Identifier: Apache-2.0
// One bidirectional gRPC call of raw bytes, driven by the link's completion queue.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "base/time.h"
#include "stream/completion_tag.h"

namespace agones::plugin {

class BidiCall {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_message(std::string bytes) = 0;
    // The last call; no more messages.
    virtual void on_closed(const grpc::Status& status) = 0;
  };

  // Starts the call. Fails, rather than waits, when the channel can't connect.
  BidiCall(const std::shared_ptr<grpc::Channel>& channel, const char* method, grpc::CompletionQueue& queue,
           Listener& listener);
  BidiCall(const BidiCall&) = delete;
  BidiCall& operator=(const BidiCall&) = delete;

  // One write at a time.
  bool can_write() const { return started_ && !writing_ && !finishing_; }
  void write(std::string bytes);
  // Says as well that nothing more will be written. A server whose method takes one request may wait for that.
  void write_last(std::string bytes);

  // From now on this one hears of the call.
  void listen(Listener& listener) { listener_ = &listener; }
  // Says that nothing more is written, and reads until the other side ends the call, until `cancel_at` at most: one that is
  // cancelled at once is a warning in the processor's log. The listener hears no more of it. Needs no memory of its own.
  void end(TimePoint cancel_at) noexcept;
  // Ends the call at once; the listener hears no more of it.
  void cancel() noexcept;
  // Cancels what has not ended in time. Returns when to ask again.
  TimePoint cancel_if_due(TimePoint now) noexcept;
  // No operation is under way any more, and none will be: the object may be destroyed.
  bool over() const { return finished_ && pending_ == 0; }

  std::unique_ptr<BidiCall> next_given_up;  // the graveyard's

 private:
  class Tag : public CompletionTag {
   public:
    using Handler = void (BidiCall::*)(bool ok);
    Tag(BidiCall& call, Handler handler) : call_(call), handler_(handler) {}
    void complete(bool ok) override {
      --call_.pending_;
      (call_.*handler_)(ok);
    }

   private:
    BidiCall& call_;
    Handler handler_;
  };

  // Counts an operation that is to be started, unless starting it fails.
  template <typename Start>
  void begin(const Start& start);
  void started(bool ok);
  void received(bool ok);
  void written(bool ok);
  void finished(bool ok);
  void say_last() noexcept;
  void start_write(std::string bytes, grpc::WriteOptions options);
  void read();
  void finish();

  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  Listener* listener_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  int pending_ = 0;
  bool started_ = false;
  bool writing_ = false;
  bool last_said_ = false;
  bool ending_ = false;
  TimePoint cancel_at_ = TimePoint::max();
  bool finishing_ = false;
  bool finished_ = false;
  Tag start_tag_{*this, &BidiCall::started};
  Tag read_tag_{*this, &BidiCall::received};
  Tag write_tag_{*this, &BidiCall::written};
  Tag finish_tag_{*this, &BidiCall::finished};
};

}  // namespace agones::plugin
