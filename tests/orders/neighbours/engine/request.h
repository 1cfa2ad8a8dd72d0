// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "orders/explorer.h"

namespace agones::plugin {

struct Request : orders::Kept {
  explicit Request(std::uint64_t number) : id(number) {}
  orders::Plain<std::uint64_t> id;
  orders::Plain<Request*> next{nullptr};
};

using RequestPtr = std::unique_ptr<Request>;

}  // namespace agones::plugin
