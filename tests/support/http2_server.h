// SPDX-License-Identifier: Apache-2.0
// A web server that speaks HTTP/2 and no gRPC: whatever is asked, it answers with one HTTP status.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/silent_server.h"

namespace agones::test {

class Http2Server {
 public:
  // `status`: three digits. With TLS if files are given, PEM.
  explicit Http2Server(std::string status, const std::string& certificate = {}, const std::string& key = {});
  ~Http2Server();
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  std::string address() const { return listener_.address(); }

 private:
  void accept_all();
  void serve(int socket) const;

  const std::string status_;
  const std::string certificate_;
  const std::string key_;
  Listener listener_;
  std::atomic<bool> ends_{false};
  std::vector<std::thread> connections_;
  std::thread thread_;
};

}  // namespace agones::test
