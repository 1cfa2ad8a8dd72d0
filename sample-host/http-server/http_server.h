// SPDX-License-Identifier: Apache-2.0
// An HTTP server on threads of its own, for as long as this lives.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace http_server {

class HttpServer {
 public:
  // `address`: host and port; port 0: the system picks one. `set_up` adds the routes. Throws std::runtime_error.
  HttpServer(const std::string& address, const std::function<void(httplib::Server&)>& set_up);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "127.0.0.1:40123"
  const std::string& address() const { return address_; }

 private:
  std::unique_ptr<httplib::Server> server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace http_server
