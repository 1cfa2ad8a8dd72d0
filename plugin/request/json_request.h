// SPDX-License-Identifier: Apache-2.0
// A request as proto3 JSON, the body of agones-allocator's REST endpoint, turned into protobuf. Of usual size it needs no
// memory but its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "request/message_writer.h"

namespace agones::plugin {

class JsonRequest {
 public:
  enum class Form {
    kRequest,   // an AllocationRequest
    kManifest,  // a GameServerAllocation of Kubernetes; without a namespace, that is "default"
  };

  enum class Unknown {
    kRefuse,
    kIgnore,  // as agones-allocator's REST endpoint; a request's enums, too
  };

  // Reads the text, which may go afterwards.
  explicit JsonRequest(std::string_view json, Form form = Form::kRequest, Unknown unknown = Unknown::kRefuse);

  // Not empty: what is wrong and in which field.
  const std::string& problem() const { return problem_; }
  // A serialized allocation.AllocationRequest, if there is no problem.
  std::string_view bytes() const { return message_.bytes(); }
  // How many unknown names were passed over, and the first of them with the fields that they stand in:
  // "gameServerSelectors.players"; of an enum's "scheduling=distributed".
  std::uint64_t ignored() const { return ignored_; }
  const std::vector<std::string>& ignored_names() const { return ignored_names_; }

 private:
  MessageWriter message_;
  std::string problem_;
  std::uint64_t ignored_ = 0;
  std::vector<std::string> ignored_names_;
};

}  // namespace agones::plugin
