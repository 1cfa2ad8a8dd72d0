// SPDX-License-Identifier: Apache-2.0
#include "http-server/http_server.h"

#include <httplib.h>

#include <stdexcept>

#include "listen-address/listen_address.h"

namespace http_server {

namespace {

// A page and a scraper; neither keeps the other from being answered.
constexpr std::size_t kThreads = 4;

}  // namespace

HttpServer::HttpServer(const std::string& address, const std::function<void(httplib::Server&)>& set_up)
    : server_(std::make_unique<httplib::Server>()) {
  listen_address::ListenAddress wanted = listen_address::parse(address);
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  set_up(*server_);
  const int port = wanted.port == 0                                  ? server_->bind_to_any_port(wanted.host)
                   : server_->bind_to_port(wanted.host, wanted.port) ? wanted.port
                                                                     : -1;
  if (port < 0) {
    throw std::runtime_error("can't listen on " + address + ": " + listen_address::problem_of(wanted));
  }
  wanted.port = static_cast<std::uint16_t>(port);
  address_ = wanted.text();
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
