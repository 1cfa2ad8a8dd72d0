// SPDX-License-Identifier: Apache-2.0
// Where a server listens: HOST:PORT, and the reason when it can't.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace listen_address {

struct ListenAddress {
  std::string host;  // an IPv6 address without its brackets
  std::uint16_t port = 0;

  // "127.0.0.1:9090", "[::1]:9090"
  std::string text() const;
};

// "HOST:PORT" and "[IPV6]:PORT"; with a default port, "HOST" and "[IPV6]" as well. Throws std::runtime_error.
ListenAddress parse(const std::string& text, std::optional<std::uint16_t> default_port = std::nullopt);

// Tries it, and says what the system says against it; empty: nothing.
std::string problem_of(const ListenAddress& address);

}  // namespace listen_address
