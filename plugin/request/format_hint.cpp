// SPDX-License-Identifier: Apache-2.0
#include "request/format_hint.h"

#include <cstddef>

namespace agones::plugin {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// What Kubernetes puts in front of its own Protobuf.
constexpr std::string_view kKubernetes("k8s\0", 4);

bool begins_with(std::string_view text, std::string_view words) {
  return text.substr(0, words.size()) == words;
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

bool is_yaml(std::string_view text) {
  for (const char* words : {"---", "#", "%YAML", "apiVersion:", "kind:", "metadata:", "spec:", "namespace:"}) {
    if (begins_with(text, words)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view hint_of_text(std::string_view bytes) {
  if (begins_with(bytes, kKubernetes)) {
    return "; these are Kubernetes' own Protobuf bytes: a manifest is to be given as JSON, in the format MANIFEST";
  }
  const bool marked = begins_with(bytes, kByteOrderMark);
  const std::string_view text = without_blanks(marked ? bytes.substr(kByteOrderMark.size()) : bytes);
  if (begins_with(text, "{") || begins_with(text, "[")) {
    const bool is_manifest =
        text.find("\"kind\"") != std::string_view::npos || text.find("\"apiVersion\"") != std::string_view::npos;
    return is_manifest ? "; this is a manifest of Kubernetes in JSON, to be given in the format MANIFEST"
                       : "; this is JSON, to be given in the format JSON";
  }
  return is_yaml(text) ? "; this is YAML: a manifest is to be given as JSON, in the format MANIFEST" : "";
}

std::string_view hint_of_yaml(std::string_view text) {
  if (begins_with(text, kByteOrderMark)) {
    return "; it begins with a byte order mark, which is no part of JSON";
  }
  return is_yaml(without_blanks(text)) ? "; this is YAML, to be given as JSON" : "";
}

}  // namespace agones::plugin
