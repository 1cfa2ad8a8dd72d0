// SPDX-License-Identifier: Apache-2.0
#include "support/http2_server.h"

#include <openssl/ssl.h>
#include <sys/time.h>

#include <functional>
#include <memory>
#include <utility>

namespace agones::test {

namespace {

constexpr std::size_t kPreface = 24;
constexpr std::size_t kFrameHeader = 9;
constexpr char kHeaders = 1;
constexpr char kSettings = 4;
constexpr char kAck = 1;
constexpr char kEndOfStreamAndHeaders = 0x05;

std::string frame(char type, char flags, const std::string& stream, const std::string& payload) {
  std::string bytes{0, 0, static_cast<char>(payload.size()), type, flags};
  return bytes + stream + payload;
}

// Answers until the other side ends. `read` takes exactly so many bytes, and gives none at the end.
void answer(const std::string& status, const std::function<std::string(std::size_t)>& read,
            const std::function<void(const std::string&)>& write) {
  const std::string none(4, '\0');
  if (read(kPreface).empty()) {
    return;
  }
  write(frame(kSettings, 0, none, ""));
  while (true) {
    const std::string header = read(kFrameHeader);
    if (header.empty()) {
      return;
    }
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(header[i])); };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (size != 0 && read(size).empty()) {
      return;
    }
    if (header[3] == kSettings && header[4] != kAck) {
      write(frame(kSettings, kAck, none, ""));
    } else if (header[3] == kHeaders) {
      // HPACK: a value for the name that has number 8, ":status".
      write(frame(kHeaders, kEndOfStreamAndHeaders, header.substr(5), "\x08\x03" + status));
    }
  }
}

int choose_h2(SSL* /*ssl*/, const unsigned char** out, unsigned char* size, const unsigned char* /*in*/,
              unsigned /*in_size*/, void* /*context*/) {
  static constexpr unsigned char kH2[] = {'h', '2'};
  *out = kH2;
  *size = sizeof kH2;
  return SSL_TLSEXT_ERR_OK;
}

template <typename Take>
std::string read_exactly(std::size_t size, const Take& take) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const auto more = take(bytes.data() + got, size - got);
    if (more <= 0) {
      return {};
    }
    got += static_cast<std::size_t>(more);
  }
  return bytes;
}

}  // namespace

Http2Server::Http2Server(std::string status, const std::string& certificate, const std::string& key)
    : status_(std::move(status)), certificate_(certificate), key_(key), listener_(8), thread_([this] {
        accept_all();
      }) {}

Http2Server::~Http2Server() {
  ends_.store(true);
  shutdown(listener_.fd(), SHUT_RDWR);
  thread_.join();
  for (std::thread& connection : connections_) {
    connection.join();
  }
}

void Http2Server::accept_all() {
  while (!ends_.load()) {
    const int socket = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) {
      connections_.emplace_back([this, socket] {
        serve(socket);
        close(socket);
      });
    }
  }
}

void Http2Server::serve(int socket) const {
  // So that its end does not wait for a client's.
  const timeval patience{10, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (certificate_.empty()) {
    answer(
        status_,
        [&](std::size_t size) {
          return read_exactly(size, [&](char* to, std::size_t room) { return recv(socket, to, room, 0); });
        },
        [&](const std::string& bytes) { send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    return;
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_use_certificate_chain_file(context.get(), certificate_.c_str());
  SSL_CTX_use_PrivateKey_file(context.get(), key_.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_h2, nullptr);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_fd(ssl.get(), socket);
  if (SSL_accept(ssl.get()) != 1) {
    return;
  }
  answer(
      status_,
      [&](std::size_t size) {
        return read_exactly(
            size, [&](char* to, std::size_t room) { return SSL_read(ssl.get(), to, static_cast<int>(room)); });
      },
      [&](const std::string& bytes) { SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size())); });
}

}  // namespace agones::test
