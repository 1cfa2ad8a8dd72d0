// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/queued_event.h"

namespace agones::plugin {

class CompletionBlock : public QueuedEvent {
 public:
  explicit CompletionBlock(std::uint64_t number = 0, Kind its_kind = Kind::kCompletions)
      : QueuedEvent(its_kind), number_(number) {}
  std::uint64_t number() const { return number_; }
  std::size_t bytes() const { return 1; }

 private:
  orders::Plain<std::uint64_t> number_;
};

}  // namespace agones::plugin
