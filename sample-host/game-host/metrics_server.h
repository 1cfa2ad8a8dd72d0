// SPDX-License-Identifier: Apache-2.0
// /metrics for Prometheus.
#pragma once

#include <agones/client.hpp>
#include <string>

#include "http-server/http_server.h"

namespace game_host {

class MetricsServer {
 public:
  // `address`: host and port; port 0: the system picks one. The client must outlive it. Throws std::runtime_error.
  MetricsServer(const agones::Client& client, const std::string& address);

  std::string url() const { return "http://" + server_.address() + "/metrics"; }

 private:
  http_server::HttpServer server_;
};

}  // namespace game_host
