// SPDX-License-Identifier: Apache-2.0
// What a client is told.
#pragma once

#include <allocation/allocation.pb.h>

#include <chrono>
#include <string>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

// How an allocation ended: a gRPC status code and its text. With code 0 there is a response.
struct AllocationResult {
  int code = 0;
  std::string message;
};

// As the cluster's operator has it; 200: success without a game server.
AllocationResult none_left(int http_status);
// The gRPC code for an HTTP status.
int code_of_http_status(int http_status);

// Into an empty response.
void write_response(const GameServer& server, allocation::AllocationResponse& response);

// RFC 3339 in UTC with up to nine decimals, zeros at the end cut.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace agones::local
