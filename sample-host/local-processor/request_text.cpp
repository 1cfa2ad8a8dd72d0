// SPDX-License-Identifier: Apache-2.0
#include "local-processor/request_text.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "manifest/request_document.h"
#include "request/json_request.h"

namespace agones::local {

allocation::AllocationRequest request_from(const manifest::Tree& document) {
  using plugin::JsonRequest;
  const std::string json = document.dump();
  const JsonRequest read(json,
                         manifest::is_manifest(document) ? JsonRequest::Form::kManifest : JsonRequest::Form::kRequest);
  if (!read.problem().empty()) {
    throw std::runtime_error(read.problem());
  }
  allocation::AllocationRequest request;
  if (!request.ParseFromArray(read.bytes().data(), static_cast<int>(read.bytes().size()))) {
    throw std::runtime_error("not an AllocationRequest");
  }
  return request;
}

allocation::AllocationRequest request_from_text_or_file(const std::string& text_or_path) {
  const std::size_t start = text_or_path.find_first_not_of(" \t\r\n");
  std::string text = text_or_path;
  if (start == std::string::npos || text_or_path[start] != '{') {
    std::ifstream file(text_or_path);
    if (!file) {
      throw std::runtime_error("'" + text_or_path + "' is neither JSON nor a file that can be read");
    }
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  return request_from(manifest::request_document(text));
}

}  // namespace agones::local
