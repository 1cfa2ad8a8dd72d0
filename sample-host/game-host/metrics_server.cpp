// SPDX-License-Identifier: Apache-2.0
#include "game-host/metrics_server.h"

#include <httplib.h>

namespace game_host {

MetricsServer::MetricsServer(const agones::Client& client, const std::string& address)
    : server_(address, [&client](httplib::Server& server) {
        server.Get("/metrics", [&client](const httplib::Request&, httplib::Response& response) {
          response.set_content(client.prometheus_text(client.metrics()), "text/plain; version=0.0.4");
        });
      }) {}

}  // namespace game_host
