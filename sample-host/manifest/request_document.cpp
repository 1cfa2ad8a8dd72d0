// SPDX-License-Identifier: Apache-2.0
#include "manifest/request_document.h"

#include <stdexcept>
#include <utility>
#include <vector>

namespace agones::manifest {

namespace {

constexpr char kAllocation[] = "GameServerAllocation";

std::string kind_of(const Tree& document) {
  const auto kind = document.is_object() ? document.find("kind") : document.end();
  return document.is_object() && kind != document.end() && kind->is_string() ? kind->get<std::string>() : "";
}

void collect_allocations(const Tree& document, std::vector<Tree>& found) {
  const std::string kind = kind_of(document);
  if (kind == kAllocation) {
    found.push_back(document);
  } else if ((kind == "List" || kind == std::string(kAllocation) + "List") && document.contains("items") &&
             document["items"].is_array()) {
    for (const Tree& item : document["items"]) {
      collect_allocations(item, found);
    }
  }
}

std::vector<Tree> documents_in(const std::string& text) {
  try {
    return read_documents(text);
  } catch (const std::exception& error) {
    const bool is_template = text.find("{{") != std::string::npos;
    throw std::runtime_error(
        error.what() + std::string(is_template ? "; there is {{ in it: a template of Helm is to be rendered first "
                                                 "(helm template)"
                                               : ""));
  }
}

}  // namespace

bool is_manifest(const Tree& document) {
  return document.is_object() && (document.contains("kind") || document.contains("apiVersion"));
}

Tree request_document(const std::string& text) {
  std::vector<Tree> documents = documents_in(text);
  if (documents.empty()) {
    throw std::runtime_error("it is empty: expected a request or a GameServerAllocation");
  }
  const std::string kind = kind_of(documents[0]);
  if (documents.size() == 1 && documents[0].is_object() && kind.find("List") == std::string::npos) {
    return std::move(documents[0]);  // whose problems have names of their own
  }
  std::vector<Tree> allocations;
  for (const Tree& document : documents) {
    collect_allocations(document, allocations);
  }
  if (allocations.size() != 1) {
    throw std::runtime_error("expected one request or one GameServerAllocation, got " +
                             (allocations.empty() ? "none" : std::to_string(allocations.size())));
  }
  return std::move(allocations[0]);
}

}  // namespace agones::manifest
