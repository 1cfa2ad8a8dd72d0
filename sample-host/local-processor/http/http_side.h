// SPDX-License-Identifier: Apache-2.0
// The processor seen and steered over HTTP: for people with a browser, for Prometheus, for scripts.
//
//   GET  /                 a page that shows the fleet live
//   GET  /fleet            every game server, as JSON
//   GET  /changes?since=N  what the page asks for: what changed after version N, short
//   GET  /fleets           the fleets: replicas, game servers, how many are ready and allocated
//   GET  /metrics          for Prometheus
//   POST /release          {"namespace": "default", "name": "..."}: ends the session of an allocated game server
//   POST /fleet            {"apply": MANIFEST}, {"scale": {"name": "blue", "replicas": 5}} or {"delete": {"name": "blue"}}; with
//                          "namespace" unless it is "default"
//   POST /explain          a request, or a GameServerAllocation: why it finds what it finds; nothing is allocated
//   POST /faults           {"latency_ms": 50, "error_rate": 0.1, ...}: those named change, the others stay
//   POST /timing           {"update_ms": 5, ...}: the same
//   POST /serving          {"serving": false}: from leader to standby and back
//
// For people: HTTP.md.
// Requests are answered on the server's own threads. There is no password: it is for loopback, and refuses what a page from elsewhere
// could make a browser send.
#pragma once

#include <memory>
#include <string>

#include "http-server/http_server.h"
#include "local-processor/fleet.h"
#include "local-processor/local_processor.h"

namespace agones::local {

class HttpSide {
 public:
  // `address`: host and port; port 0: the system picks one. The processor must outlive it. Throws std::runtime_error.
  HttpSide(const std::string& address, LocalProcessor& processor, std::shared_ptr<Fleet> fleet);

  std::string url() const { return "http://" + server_.address() + "/"; }

 private:
  http_server::HttpServer server_;
};

}  // namespace agones::local
