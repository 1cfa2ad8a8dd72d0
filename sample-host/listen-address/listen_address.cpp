// SPDX-License-Identifier: Apache-2.0
#include "listen-address/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace listen_address {

namespace {

constexpr char kDigits[] = "0123456789";

[[noreturn]] void refuse(const std::string& text, bool has_default) {
  throw std::runtime_error("'" + text + "' is not HOST:PORT" + (has_default ? " or HOST" : "") +
                           " (an IPv6 address is written in brackets)");
}

std::optional<std::uint16_t> port_of(const std::string& text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of(kDigits) != std::string::npos ||
      std::stoi(text) > UINT16_MAX) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(std::stoi(text));
}

bool is_good_host(const std::string& host, bool in_brackets) {
  constexpr char kNeverInNames[] = " \t\r\n/[],;@";
  return !host.empty() && host.find_first_of(kNeverInNames) == std::string::npos &&
         (host.find(':') != std::string::npos) == in_brackets;
}

// As the plugin reads processor_address: a file's last newline is no part of an address.
std::string without_blanks(const std::string& text) {
  constexpr char kBlanks[] = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kBlanks);
  return start == std::string::npos ? std::string() : text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

// What the system says against listening on one of its addresses; 0: nothing.
int error_of(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return errno;
  }
  // As servers do: connections that have just ended are no hindrance.
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool good = bind(socket, address.ai_addr, address.ai_addrlen) == 0 && listen(socket, 1) == 0;
  const int error = good ? 0 : errno;
  close(socket);
  return error;
}

}  // namespace

std::string ListenAddress::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

ListenAddress parse(const std::string& given, std::optional<std::uint16_t> default_port) {
  const std::string text = without_blanks(given);
  const bool in_brackets = !text.empty() && text.front() == '[';
  const std::size_t bracket = in_brackets ? text.find(']') : std::string::npos;
  const std::size_t host_end = in_brackets ? bracket : text.find(':');
  const std::string host = text.substr(in_brackets ? 1 : 0, in_brackets ? host_end - 1 : host_end);
  const std::size_t behind = host_end == std::string::npos ? text.size() : host_end + (in_brackets ? 1 : 0);
  const bool has_port = behind < text.size() && text[behind] == ':';
  const auto port = has_port ? port_of(text.substr(behind + 1)) : default_port;
  if (!is_good_host(host, in_brackets) || (!has_port && behind != text.size()) || !port ||
      (in_brackets && bracket == std::string::npos)) {
    refuse(text, default_port.has_value());
  }
  return {host, *port};
}

std::string problem_of(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
      error != 0) {
    return error == EAI_SYSTEM ? std::generic_category().message(errno) : gai_strerror(error);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    error = error_of(*one);
    if (error == 0) {
      return {};
    }
  }
  return std::generic_category().message(error);
}

}  // namespace listen_address
