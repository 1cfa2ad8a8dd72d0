// SPDX-License-Identifier: Apache-2.0
// /metrics for Prometheus, on a thread of its own.
#pragma once

#include <agones/client.hpp>
#include <memory>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace game_host {

class MetricsServer {
 public:
  // `address`: host and port; port 0: the system picks one. The client must outlive it. Throws std::runtime_error.
  MetricsServer(const agones::Client& client, const std::string& address);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  const std::string& url() const { return url_; }

 private:
  std::unique_ptr<httplib::Server> server_;
  std::string url_;
  std::thread thread_;
};

}  // namespace game_host
