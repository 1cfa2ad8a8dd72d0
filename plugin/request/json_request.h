// SPDX-License-Identifier: Apache-2.0
// A request as proto3 JSON, the body of agones-allocator's REST endpoint, turned into protobuf. Of usual size it needs no
// memory but its own.
#pragma once

#include <string>
#include <string_view>

#include "request/message_writer.h"

namespace agones::plugin {

class JsonRequest {
 public:
  enum class Form {
    kRequest,   // an AllocationRequest
    kManifest,  // a GameServerAllocation of Kubernetes; without a namespace, that is "default"
  };

  // Reads the text, which may go afterwards.
  explicit JsonRequest(std::string_view json, Form form = Form::kRequest);

  // Not empty: what is wrong and in which field.
  const std::string& problem() const { return problem_; }
  // A serialized allocation.AllocationRequest, if there is no problem.
  std::string_view bytes() const { return message_.bytes(); }

 private:
  MessageWriter message_;
  std::string problem_;
};

}  // namespace agones::plugin
