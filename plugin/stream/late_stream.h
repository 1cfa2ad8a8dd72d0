// SPDX-License-Identifier: Apache-2.0
// A stream that the link has replaced. Nothing is written to it any more, but what was sent on it may still be
// answered, and each of those answers may carry a game server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/time.h"
#include "engine/engine.h"
#include "stream/bidi_call.h"

namespace agones::plugin {

class LateStream : public BidiCall::Listener {
 public:
  // Given up at `until` at the latest.
  LateStream(std::unique_ptr<BidiCall> call, std::uint64_t number, TimePoint until, Engine& engine);

  bool done(TimePoint now) const { return closed_ || now >= until_; }
  TimePoint until() const { return until_; }
  // The end: nothing more is awaited from it.
  std::unique_ptr<BidiCall> close();

 private:
  void on_message(std::string bytes) override;
  void on_closed(const grpc::Status& status) override;

  std::unique_ptr<BidiCall> call_;
  const std::uint64_t number_;
  const TimePoint until_;
  Engine& engine_;
  bool closed_ = false;
};

}  // namespace agones::plugin
