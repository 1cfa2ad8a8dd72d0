// SPDX-License-Identifier: Apache-2.0
// What the completion queue gives back for an operation.
#pragma once

namespace agones::plugin {

class CompletionTag {
 public:
  virtual ~CompletionTag() = default;
  virtual void complete(bool ok) = 0;
};

}  // namespace agones::plugin
