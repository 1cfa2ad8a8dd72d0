// SPDX-License-Identifier: Apache-2.0
#include "stream/http_status.h"

namespace agones::plugin {

std::string http_status_in(std::string_view grpc_message) {
  constexpr std::string_view kWords = "http2 header with status: ";
  const std::size_t found = grpc_message.find(kWords);
  if (found == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = grpc_message.substr(found + kWords.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace agones::plugin
