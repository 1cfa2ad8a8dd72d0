// SPDX-License-Identifier: Apache-2.0
#include "game-host/metrics_server.h"

#include <httplib.h>

#include <stdexcept>

namespace game_host {

MetricsServer::MetricsServer(const agones::Client& client, const std::string& address)
    : server_(std::make_unique<httplib::Server>()) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.find_first_not_of("0123456789", colon + 1) != std::string::npos ||
      colon + 1 == address.size() || address.size() - colon > 6) {
    throw std::runtime_error("--metrics: '" + address + "' is not HOST:PORT");
  }
  const std::string host = address.substr(0, colon);
  int port = std::stoi(address.substr(colon + 1));
  server_->Get("/metrics", [&client](const httplib::Request&, httplib::Response& response) {
    response.set_content(client.prometheus_text(client.metrics()), "text/plain; version=0.0.4");
  });
  // One scraper at a time is enough.
  server_->new_task_queue = [] { return new httplib::ThreadPool(1); };
  if (port == 0) {
    port = server_->bind_to_any_port(host);
  } else if (!server_->bind_to_port(host, port)) {
    port = -1;
  }
  if (port < 0) {
    throw std::runtime_error("--metrics: can't listen on " + address);
  }
  url_ = "http://" + host + ":" + std::to_string(port) + "/metrics";
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  // stop() does nothing before that.
  while (!server_->is_running()) {
    std::this_thread::yield();
  }
}

MetricsServer::~MetricsServer() {
  server_->stop();
  thread_.join();
}

}  // namespace game_host
