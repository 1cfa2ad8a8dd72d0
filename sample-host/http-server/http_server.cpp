// SPDX-License-Identifier: Apache-2.0
#include "http-server/http_server.h"

#include <httplib.h>

#include <stdexcept>

namespace http_server {

namespace {

// A page and a scraper; neither keeps the other from being answered.
constexpr std::size_t kThreads = 4;

}  // namespace

HttpServer::HttpServer(const std::string& address, const std::function<void(httplib::Server&)>& set_up)
    : server_(std::make_unique<httplib::Server>()) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.find_first_not_of("0123456789", colon + 1) != std::string::npos ||
      colon + 1 == address.size() || address.size() - colon > 6) {
    throw std::runtime_error("'" + address + "' is not HOST:PORT");
  }
  const std::string host = address.substr(0, colon);
  int port = std::stoi(address.substr(colon + 1));
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  set_up(*server_);
  if (port == 0) {
    port = server_->bind_to_any_port(host);
  } else if (!server_->bind_to_port(host, port)) {
    port = -1;
  }
  if (port < 0) {
    throw std::runtime_error("can't listen on " + address);
  }
  address_ = host + ":" + std::to_string(port);
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  // stop() does nothing before that.
  while (!server_->is_running()) {
    std::this_thread::yield();
  }
}

HttpServer::~HttpServer() {
  server_->stop();
  thread_.join();
}

}  // namespace http_server
